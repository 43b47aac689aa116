#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

class Session;

/// Scores that claim to say how important a weight is, without changing it. With w a weight, x what it is multiplied by, L_s
/// sample s's loss (OutputMetrics' where there are targets; else the cross-entropy with the class that the baseline finds
/// most likely, or, without classes, half the mean square of the outputs), and J the derivatives of all outputs:
///
///   magnitude             |w|
///   magnitude_normalised  |w| / rms of its matrix
///   gradient              mean over s of |w dL_s/dw|               Molchanov et al., ICLR 2017
///   fisher                mean over s of (w dL_s/dw)^2             Theis et al., 2018
///   snip                  |w mean over s of dL_s/dw|               Lee, Ajanthan, Torr, ICLR 2019
///   synflow               |w| times how the sum of the outputs moves with |w|, in the model with |w| for every weight and ones for
///                         every input                              Tanaka, Kunin, Yamins, Ganguli, NeurIPS 2020
///   linear                rms over outputs and samples of w J      the plain linear response
///   obd                   1/2 w^2 h, h the diagonal of the loss's Gauss-Newton matrix   LeCun, Denker, Solla, 1990
///   wanda                 |w| times the root of the sum of x^2     Sun et al., ICLR 2024
///   random                a uniform draw
enum class Criterion { magnitude, magnitude_normalised, gradient, fisher, snip, synflow, linear, obd, wanda, random };

[[nodiscard]] std::vector<Criterion> allCriteria();
/// "magnitude", "magnitude_normalised", …
[[nodiscard]] std::string_view name(Criterion criterion) noexcept;
/// For people: "|weight|", "gradient x weight".
[[nodiscard]] std::string_view label(Criterion criterion) noexcept;
/// Throws Error(Fault::usage) with the names there are.
[[nodiscard]] Criterion parseCriterion(std::string_view text);

/// One score a weight, higher is more important.
struct CriterionScores {
  std::string name, label;
  std::vector<std::vector<float>> scores;  ///< [parameters][weights], row-major; NaN: no score
  double seconds = 0;                      ///< it took
};

/// The name of the run's own impacts among criteria.
inline constexpr const char* kImpact = "impact";

struct CriteriaOptions {
  std::uint64_t seed = 0;
  std::size_t random_draws = 3;  ///< rankings by chance: random, random_2, …
};

/// `progress` is called with what is being computed and the share that is done; it may throw to stop.
std::vector<CriterionScores> scoresOf(Session& session, std::span<const Criterion> criteria,
                                      const CriteriaOptions& options,
                                      const std::function<void(const std::string&, double)>& progress);

}  // namespace heft
