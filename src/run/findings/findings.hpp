#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

/// One place of the ranking.
struct TopWeight {
  std::size_t parameter = 0;  ///< index into Structure::parameters
  std::int64_t index = 0;     ///< row-major place in the parameter
  float weight = 0, impact = 0, lower = 0, upper = 0, standard_error = 0;
  bool executed = false;
  /// 1: the largest |weight| of the run; weights of equal magnitude share the smallest of their places
  /// ("1224").
  std::size_t magnitude_rank = 0;
};

/// How well |weight| predicts impact over a set of weights.
struct Agreement {
  std::string name;                ///< of the parameter; "" over all
  std::size_t weights = 0;         ///< that are part of the run
  std::optional<double> spearman;  ///< none where one side is constant or there are fewer than two weights
  std::optional<double> kendall;   ///< tau-b
  std::size_t top = 0;             ///< 1 % of the weights, rounded up
  std::optional<double> overlap;   ///< share of the top 1 % by impact that are in the top 1 % by |weight|
  double chance = 0;               ///< what blind choice would give: top / weights
};

struct Comparison {
  Agreement overall;
  std::vector<Agreement> parameters;  ///< those that are part of the run, in the model's order
};

/// What a run says, worked out once for its tables, its closing words and its summary.
struct Findings {
  std::vector<TopWeight> top;  ///< settings.top places, largest impact first; equal impacts in the model's order
  Comparison comparison;
  std::size_t weights = 0;   ///< that are part of the run (impact not NaN)
  std::size_t executed = 0;  ///< of them
  std::size_t moving = 0;    ///< of them, with an impact above zero
};

/// Throws Error(Fault::internal) where the run's vectors are not of their parameters' sizes.
[[nodiscard]] Findings findingsOf(const Run& run);

/// The same with a comparison that is known already: its rank statistics are what takes long with millions of weights.
[[nodiscard]] Findings findingsOf(const Run& run, Comparison comparison);

/// Whether the run has an impact of any single weight; one of components alone has none.
[[nodiscard]] bool measuresWeights(const Run& run);

/// Throws Error(Fault::internal) where a vector of `run` is not as long as its parameter has weights.
void checkSizes(const Run& run);

}  // namespace heft
