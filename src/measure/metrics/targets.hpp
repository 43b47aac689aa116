#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "engine/outputs/layout.hpp"

namespace heft {

/// What the outputs should have been, beside a table of outputs [samples, elements] that are groups x
/// classes.
struct Targets {
  at::Tensor classes;  ///< int64 [samples, groups], from integer targets; else undefined
  at::Tensor values;   ///< float64 [samples, elements], from floating targets; else undefined
  /// float64 [samples, groups] of mean 1, where targets name classes to leave out: what the loss at each place counts; else
  /// undefined, and all count the same.
  at::Tensor weight;
};

/// The class that torch.nn.functional.cross_entropy leaves out by default, and so does Heft.
inline constexpr std::int64_t kIgnoredClass = -100;

/// The same targets on the device that the outputs lie on.
[[nodiscard]] Targets onDevice(const Targets& targets, c10::Device device);

/// Fits targets to the outputs by shape. Whole numbers are classes, one a sample, or one a sample and place, or one-hot
/// with the classes as a dimension; -100 leaves a place out. Floating numbers are values, one an output element. Their dimensions
/// may stand in any order, with or without those of size 1; [samples, elements] in the output's order will do too.
///
/// Throws Error(Fault::usage) where a shape can be read in two ways, with both; Error(Fault::input): shapes found and
/// expected, a class out of range, a value that is not finite.
[[nodiscard]] Targets prepareTargets(const at::Tensor& targets, const OutputLayout& layout,
                                     const GivenDims& given = {});

/// The loss of OutputMetrics, for `outputs` [samples, elements]: cross-entropy averaged over samples and groups where targets
/// are classes, else the mean squared error.
[[nodiscard]] double meanLoss(const at::Tensor& outputs, const Targets& targets, std::int64_t classes);

/// The share of samples and groups whose largest output is the target's class, float64 [variants] for outputs
/// [variants, samples, elements]. Throws Error(Fault::input) where the targets are no classes.
[[nodiscard]] at::Tensor accuracy(const at::Tensor& outputs, const Targets& targets, std::int64_t classes);

}  // namespace heft
