#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace heft {

/// While it lives, operators treat batched tensors as `variants` tensors (functorch's vmap, one level).
class VmapLevel {
 public:
  explicit VmapLevel(int64_t variants);
  ~VmapLevel();
  VmapLevel(const VmapLevel&) = delete;
  VmapLevel& operator=(const VmapLevel&) = delete;

  /// A batched tensor of what is [variants, ...].
  [[nodiscard]] at::Tensor wrap(const at::Tensor& values) const;
  [[nodiscard]] int64_t variants() const { return variants_; }

 private:
  int64_t variants_;
  int64_t level_;
  bool warned_;
};

/// While it lives, operators see plain tensors alone, as if there were no VmapLevel.
class BelowVmap {
 public:
  BelowVmap();

 private:
  c10::impl::ExcludeDispatchKeyGuard excluded_;
};

bool isBatched(const at::Tensor& tensor);

/// The values of a batched tensor, [variants, ...]. Call it under BelowVmap.
at::Tensor unwrap(const at::Tensor& batched);

/// A batched tensor of what is [variants, ...], at the level of `like`, a batched one.
at::Tensor wrapLike(const at::Tensor& values, const at::Tensor& like);

}  // namespace heft
