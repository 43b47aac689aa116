#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace heft {

/// What the outputs should have been, beside a table of outputs [samples, elements] that are groups x
/// classes.
struct Targets {
  at::Tensor classes;  ///< int64 [samples, groups], from integer targets; else undefined
  at::Tensor values;   ///< float64 [samples, elements], from floating targets; else undefined
};

/// The same targets on the device that the outputs lie on.
[[nodiscard]] Targets onDevice(const Targets& targets, c10::Device device);

/// Fits targets to the outputs. Integer targets are class numbers, one a sample or one a sample and group
/// (one a sample holds for all its groups); floating ones are values, one an output element. They may have
/// any shape of the right size: the first dimension that has `samples` entries is taken for the samples and
/// the rest is read row-major; without one everything is.
///
/// Throws Error(Fault::input): sizes found and expected, a class out of range, a value that is not finite.
[[nodiscard]] Targets prepareTargets(const at::Tensor& targets, std::int64_t samples, std::int64_t elements,
                                     std::int64_t classes);

/// The loss of OutputMetrics, for `outputs` [samples, elements]: cross-entropy averaged over samples and groups where targets
/// are classes, else the mean squared error.
[[nodiscard]] double meanLoss(const at::Tensor& outputs, const Targets& targets, std::int64_t classes);

/// The share of samples and groups whose largest output is the target's class, float64 [variants] for outputs
/// [variants, samples, elements]. Throws Error(Fault::input) where the targets are no classes.
[[nodiscard]] at::Tensor accuracy(const at::Tensor& outputs, const Targets& targets, std::int64_t classes);

}  // namespace heft
