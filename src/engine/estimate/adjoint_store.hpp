#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heft {

/// Adjoints that took long, kept for whoever goes on after an interruption.
class AdjointStore {
 public:
  virtual ~AdjointStore() = default;

  /// What keepAdjoints() was given under this name, to the last bit: of `seeds` seeds at the leaves, undefined where the outputs don't
  /// depend on one. Nothing where it was not kept.
  virtual std::optional<std::vector<at::Tensor>> adjoints(const std::string& name, std::span<const at::Tensor> leaves,
                                                          int64_t seeds) = 0;

  /// `all`: [seeds, ...] of each leaf, or undefined. They took `seconds`; what is quicker to take than to keep may be left.
  virtual void keepAdjoints(const std::string& name, std::span<const at::Tensor> all, double seconds) = 0;
};

}  // namespace heft
