#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/estimate/adjoint.hpp"
#include "measure/metrics/metrics.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// Metrics of one row of weights, each changed alone: [columns] by metric, or by whatever the seeds give.
struct ColumnImpacts {
  std::vector<double*> impact;
  std::vector<float*> standard_error;  ///< over samples; NaN with one
};

/// A value that is made of sums of squares: with r a sample's responses along each seed,
///
///   q = scale x (sum of r[k]^2 over k in [first, first + count)) + slope x r[linear].
///
/// The value is sqrt(mean of q over samples) where `root`, else |mean of q|.
struct SquareValue {
  int64_t first = 0, count = 0;
  double scale = 1;
  bool root = false;
  int64_t linear = 0;
  double slope = 0;
};

/// Everything that reduce() gives, where all of it is made so.
struct SquareForm {
  int64_t samples = 0;  ///< as which a block is seen: [samples, seeds, columns]
  std::vector<SquareValue> values;
  int64_t together = 1;  ///< of them that follow one another are draws of one sample, for the standard error
};

/// Which adjoints the metrics need, and how responses to them become impacts.
class ResponseSeeds {
 public:
  virtual ~ResponseSeeds() = default;
  [[nodiscard]] virtual Seeds seeds() const = 0;
  /// How many values reduce() gives for a weight: one a metric.
  [[nodiscard]] virtual std::size_t values() const = 0;
  /// `block` is [samples, seeds, columns], the changes along each seed. Thread-safe.
  virtual void reduce(const float* block, int64_t columns, const ColumnImpacts& out) const = 0;
  /// reduce() where sums of squares over a sample's seeds are all that counts (one metric: rms, or kl by probes), from fewer
  /// seeds with the same sums: `block` is [samples, kept, columns].
  virtual void reduceSquares(const float* block, int64_t kept, int64_t columns, const ColumnImpacts& out) const = 0;
  /// What reduce() does, or reduceSquares() where fewer seeds are kept than were taken, as formulas; nothing: they say more.
  [[nodiscard]] virtual std::optional<SquareForm> squareForm(int64_t /*kept*/) const { return std::nullopt; }
};

/// The baseline's outputs, as the adjoints see them.
struct OutputView {
  at::Tensor baseline;  ///< float64 [samples, elements]
  int64_t classes = 0;  ///< elements = groups x classes
  std::optional<Targets> targets;
  ComplexColumns complex;
  int64_t together = 1;  ///< rows that follow one another are draws of one sample: their mean counts in standard errors
  bool one_sample = false;  ///< the adjoints take the whole batch as one sample: [1, samples x elements]
};

/// Every output by itself: dy is known, so every metric is exact in it. As many seeds as elements.
/// `curvature`: kl to second order alone, as probes take it, which is quicker and doesn't cancel where changes are tiny.
std::unique_ptr<ResponseSeeds> exactSeeds(const OutputView& view, std::span<const Metric> metrics,
                                          bool curvature = false);

/// Random +-1 vectors over the outputs stand in for them (Hutchinson 1990): for a seed s with E[s s^T] = G the mean of
/// (s dy)^2 is dy^T G dy without bias. `probes` seeds a quadratic form, drawn for each sample on its own.
///
///   rms   G = 1: |dy|^2
///   kl    to second order 1/2 dy^T F dy with F = diag(p) - p p^T of each group of classes, p = softmax(y)
///   loss  its gradient times dy, exact, and 1/2 dy^T (its second derivative) dy: F of cross-entropy, 2 of squares
///
/// Throws Error(Fault::unsupported) for metrics that need each output by itself (MetricFacts::by_probes).
std::unique_ptr<ResponseSeeds> probeSeeds(const OutputView& view, std::span<const Metric> metrics, int64_t probes,
                                          uint64_t seed);

/// The gradient of the loss, one adjoint: with r a sample's own change of its loss, three values that take the network as linear,
///
///   mean |r| over samples,   mean r^2,   |mean r|.
///
/// The loss is OutputMetrics' where there are targets; without, the cross-entropy with the class that the baseline finds most
/// likely, or, without classes, half the mean square of the outputs.
std::unique_ptr<ResponseSeeds> lossGradientSeeds(const OutputView& view);

/// rms over the samples of one group, a value a group: sample i, with all its draws, is in group i % groups. Outputs one by one up to 64 a sample,
/// beyond by 64 probes. As many groups as samples at most; one where the batch counts as one sample.
std::unique_ptr<ResponseSeeds> groupSeeds(const OutputView& view, int64_t groups, uint64_t seed);

}  // namespace heft
