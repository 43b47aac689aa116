#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>

#include "measure/metrics/targets.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// A metric of some variants.
struct MetricValues {
  at::Tensor value;   ///< float64 [variants]: the impact, never negative
  at::Tensor sample;  ///< float64 [variants, samples]: each sample's own part, see `OutputMetrics`
};

/// Which columns of a table of outputs are complex numbers' parts, see OutputLayout.
struct ComplexColumns {
  at::Tensor real;   ///< OutputLayout::realParts()
  double scale = 1;  ///< OutputLayout::scale()
};

/// The impacts of variants: outputs y' against the baseline's y, tables [samples, elements] whose elements
/// are groups x classes (OutputLayout). With d = y' - y, and s a sample:
///
///   metric  a sample's part                                          value
///   rms     m_s = mean over elements of d^2                          sqrt(mean_s m_s)
///   max     max over elements of |d|                                 max_s
///   kl      mean over groups of KL(softmax(y) || softmax(y')), nats  mean_s
///   loss    l_s = loss(y') - loss(y), signed                         |mean_s l_s|
///   flips   share of groups whose argmax changed                     mean_s
///   cosine  mean over groups of 1 - y.y' / (|y| |y'|)                mean_s
///
/// The loss is cross-entropy, -log softmax(y)[class] averaged over groups that have a class, where targets are classes, and the
/// squared error averaged over elements where they are values. A complex element's change is that of its modulus, |d|. Differences are taken of y alone and carried
/// through, so that tiny impacts keep the relative accuracy that d has. An output that is not finite gives an
/// impact that isn't, save where the baseline has the same infinity.
class OutputMetrics {
 public:
  /// `baseline` is float64 [samples, elements]; variants and targets must be on its device. `classes` divides
  /// elements.
  OutputMetrics(at::Tensor baseline, std::int64_t classes, std::optional<Targets> targets = std::nullopt,
                ComplexColumns complex = {});

  /// Throws Error(Fault::usage) where the metric has no meaning here: kl and flips without classes, loss
  /// without targets.
  void require(Metric metric) const;

  /// `outputs` is float64 [variants, samples, elements]. Does not depend on which variants are measured
  /// together. Throws as `require` does.
  [[nodiscard]] MetricValues measure(Metric metric, const at::Tensor& outputs) const;

  /// What a sample's part is the mean of, or for max the largest of: float64 [variants, samples, parts], with d^2, |d|, KL, the
  /// change of the loss, 1 where an argmax changed, and the cosine distance.
  [[nodiscard]] at::Tensor parts(Metric metric, const at::Tensor& outputs) const;
  /// Whether parts are the elements; else they are groups of classes.
  [[nodiscard]] bool partsAreElements(Metric metric) const;

 private:
  [[nodiscard]] at::Tensor perSample(Metric metric, const at::Tensor& outputs) const;
  [[nodiscard]] at::Tensor lossChange(const at::Tensor& difference) const;

  at::Tensor baseline_;
  std::int64_t classes_;
  std::optional<Targets> targets_;
  ComplexColumns complex_;
};

class Session;

/// The metrics of a session's outputs, beside its baseline and targets.
[[nodiscard]] OutputMetrics metricsOf(const Session& session);

/// Throws Error(Fault::usage) where one of the metrics has no meaning for the session's outputs, or needs classes and which
/// dimension holds them can't be told.
void requireMetrics(const Session& session, std::span<const Metric> metrics);

/// [variants] from the samples' parts [variants, samples]; parts of several runs may be joined along samples.
[[nodiscard]] at::Tensor metricValue(Metric metric, const at::Tensor& sample);

/// The standard error of the value over samples, [variants]: of a mean, sqrt(variance / samples) with samples
/// - 1 in the variance; of rms by the delta method, the error of the mean square / (2 rms), and 0 where
/// nothing moved. NaN for one sample, and for max, which is no mean. `together` parts that follow one another are of one sample
/// (draws of random numbers), whose mean counts.
[[nodiscard]] at::Tensor standardError(Metric metric, const at::Tensor& sample, std::int64_t together = 1);

/// The change of the loss with its sign, [variants], from its samples' parts: above 0 where the variant does
/// worse.
[[nodiscard]] at::Tensor signedLoss(const at::Tensor& sample);

}  // namespace heft
