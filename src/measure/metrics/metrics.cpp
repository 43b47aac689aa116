#include "measure/metrics/metrics.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "measure/metrics/divergence.hpp"

namespace heft {
namespace {

/// y' - y; two equal infinities (masked scores) don't differ.
at::Tensor differenceOf(const at::Tensor& outputs, const at::Tensor& baseline) {
  return (outputs - baseline).masked_fill_(outputs == baseline, 0);
}

/// |d| by column; of a complex element in the column of its real part.
at::Tensor moduliOf(const at::Tensor& difference, const ComplexColumns& complex) {
  if (!complex.real.defined()) return difference.abs();
  auto squares = difference.square();
  const auto columns = squares.size(-1);
  auto moduli = squares.clone();
  moduli.narrow(-1, 0, columns - 1).add_(squares.narrow(-1, 1, columns - 1) * complex.real.narrow(0, 0, columns - 1));
  return moduli.sqrt() / complex.scale;
}

/// 1 - cos(y, y + d) over the last dimension. With a = y.(y + d) and b = |y|^2 |d - (y.d / |y|^2) y|^2, what stands across y,
/// |y|^2 |y + d|^2 = a^2 + b (Lagrange's identity), so that 1 - cos = 1 - a / sqrt(a^2 + b) = b / (r (r + a)) with r the root: tiny
/// changes keep the accuracy that d has. Of two vectors without length none is turned; one alone counts as a right angle.
/// Infinite elements that stay as they are (masked scores) have no part in it.
at::Tensor cosineDistance(const at::Tensor& all, const at::Tensor& d) {
  const auto y = at::where(all.isinf().logical_and(d.eq(0)), at::zeros({}, all.options()), all);
  const auto square = sumOfLast(y.square());
  const auto along = sumOfLast(y * d);
  const auto share = at::where(square > 0, along / square, at::zeros_like(along));
  const auto across = sumOfLast((d - share.unsqueeze(-1) * y).square());
  const auto a = square + along, b = square * across;
  const auto root = (a.square() + b).sqrt();
  const auto distance = at::where(a > 0, b / (root * (root + a)), 1 - a / root);
  const auto none = square.eq(0), none_left = sumOfLast((y + d).square()).eq(0);
  const auto right_angle = at::ones_like(distance);
  return at::where(none.logical_and(none_left), at::zeros_like(distance),
                   at::where(none.logical_or(none_left), right_angle, distance));
}

}  // namespace

OutputMetrics::OutputMetrics(at::Tensor baseline, std::int64_t classes, std::optional<Targets> targets,
                             ComplexColumns complex)
    : baseline_(std::move(baseline)), classes_(classes), targets_(std::move(targets)), complex_(std::move(complex)) {
  if (complex_.real.defined()) complex_.real = complex_.real.to(baseline_.device());
  if (classes_ < 1 || baseline_.dim() != 2 || baseline_.size(1) % classes_ != 0) {
    throw Error(Fault::internal, "the baseline must be [samples, groups x classes], found " +
                                     std::to_string(baseline_.dim()) + " dimensions and " + std::to_string(classes_) +
                                     " classes");
  }
  if (targets_) targets_ = onDevice(*targets_, baseline_.device());
}

void OutputMetrics::require(Metric metric) const {
  const std::string named = "metric " + std::string(name(metric));
  if (needsClasses(metric) && classes_ < 2)
    throw Error(Fault::usage,
                named + " compares classes, but the output has no more than one; rms, max or loss fit it");
  if (facts(metric).needs_targets && !targets_)
    throw Error(Fault::usage,
                named + " needs targets, and none were given; " + settingName("targets") + " FILE brings them");
}

MetricValues OutputMetrics::measure(Metric metric, const at::Tensor& outputs) const {
  require(metric);
  at::Tensor sample = perSample(metric, outputs);
  return {metricValue(metric, sample), sample};
}

at::Tensor OutputMetrics::perSample(Metric metric, const at::Tensor& outputs) const {
  const at::Tensor all = parts(metric, outputs);
  return facts(metric).reduction == Reduction::largest ? all.amax(-1) : meanOfLast(all);
}

bool OutputMetrics::partsAreElements(Metric metric) const {
  return facts(metric).needs_targets ? !targets_ || targets_->values.defined() : facts(metric).of_elements;
}

at::Tensor OutputMetrics::parts(Metric metric, const at::Tensor& outputs) const {
  const auto grouped = [&](const at::Tensor& table) { return table.unflatten(-1, {-1, classes_}); };
  switch (metric) {
    case Metric::rms:
      return differenceOf(outputs, baseline_).square_();
    case Metric::max:
      return moduliOf(differenceOf(outputs, baseline_), complex_);
    case Metric::kl:
      return softmaxShift(grouped(baseline_), grouped(differenceOf(outputs, baseline_))).divergence;
    case Metric::loss:
      return lossChange(differenceOf(outputs, baseline_));
    case Metric::cosine:
      return cosineDistance(grouped(baseline_), grouped(differenceOf(outputs, baseline_)));
    case Metric::flips:
      break;
  }
  return grouped(outputs).argmax(-1).ne(grouped(baseline_).argmax(-1)).to(at::kDouble);
}

at::Tensor OutputMetrics::lossChange(const at::Tensor& difference) const {
  // (y + d - t)^2 - (y - t)^2 = d (2 (y - t) + d)
  if (targets_->values.defined()) return difference * (2 * (baseline_ - targets_->values) + difference);
  const SoftmaxShift shift =
      softmaxShift(baseline_.unflatten(-1, {-1, classes_}), difference.unflatten(-1, {-1, classes_}));
  const at::Tensor of_class = targets_->classes.unsqueeze(-1).expand_as(shift.centred.narrow(-1, 0, 1));
  const at::Tensor changes = shift.divergence - shift.centred.gather(-1, of_class).squeeze(-1);
  if (!targets_->weight.defined()) return changes;
  return at::where(targets_->weight > 0, changes * targets_->weight, at::zeros_like(changes));
}

at::Tensor metricValue(Metric metric, const at::Tensor& sample) {
  switch (facts(metric).reduction) {
    case Reduction::root_of_mean:
      return meanOfLast(sample).sqrt();
    case Reduction::largest:
      return sample.amax(-1);
    case Reduction::size_of_mean:
      return meanOfLast(sample).abs();
    case Reduction::mean:
      break;
  }
  return meanOfLast(sample);
}

at::Tensor standardError(Metric metric, const at::Tensor& sample, std::int64_t together) {
  if (together > 1) return standardError(metric, meanOfLast(sample.unflatten(-1, {-1, together})));
  const std::int64_t samples = sample.size(-1);
  const at::Tensor mean = meanOfLast(sample);
  if (samples < 2 || facts(metric).reduction == Reduction::largest)
    return at::full_like(mean, std::numeric_limits<double>::quiet_NaN());
  const at::Tensor squares = sumOfLast((sample - mean.unsqueeze(-1)).square());
  const at::Tensor error = (squares / static_cast<double>(samples - 1) / static_cast<double>(samples)).sqrt();
  if (facts(metric).reduction != Reduction::root_of_mean) return error;
  return (error / (2 * mean.sqrt())).masked_fill_(mean == 0, 0);
}

at::Tensor signedLoss(const at::Tensor& sample) { return meanOfLast(sample); }

}  // namespace heft
