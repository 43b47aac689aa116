#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

class Session;

/// How the agreement of a score with impact would vary over other inputs like the run's: impacts of some 50,000 weights,
/// estimated for each of up to 32 groups of samples, and resampled by group (the bootstrap, Efron 1979). The score is held as
/// it is.
class InputBootstrap {
 public:
  /// None where a run has fewer than four samples, samples that influence each other, or another metric than rms.
  /// `progress` may throw to stop.
  static std::optional<InputBootstrap> of(Session& session, const Run& run,
                                          const std::function<void(const std::string&, double)>& progress);

  /// The standard error of Spearman's correlation with `scores` [parameters][weights]; none where that means nothing.
  /// Not the percentile interval: every draw misses some of the inputs, so all of them agree less than all inputs do.
  [[nodiscard]] std::optional<double> spearmanError(const std::vector<std::vector<float>>& scores) const;

 private:
  using Place = std::pair<std::size_t, std::int64_t>;  ///< parameter, flat place

  std::vector<Place> places_;
  std::vector<std::vector<float>> ranks_;  ///< of impacts, less their mean: [resamples][places]
};

}  // namespace heft
