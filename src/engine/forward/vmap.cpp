#include "engine/forward/vmap.hpp"

#include <ATen/ATen.h>
#include <ATen/functorch/BatchedFallback.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>

namespace heft {

namespace functorch = at::functorch;

VmapLevel::VmapLevel(int64_t variants)
    : variants_(variants),
      level_(functorch::initAndPushDynamicLayer(functorch::TransformType::Vmap, c10::SymInt(variants),
                                                functorch::RandomnessType::Error)),
      warned_(functorch::isVmapFallbackWarningEnabled()) {
  // Operators without a batching rule run in a loop of functorch's own; its warning would go to the terminal.
  functorch::setVmapFallbackWarningEnabled(false);
}

VmapLevel::~VmapLevel() {
  functorch::setVmapFallbackWarningEnabled(warned_);
  functorch::popDynamicLayerAndDeleteMetadata();
}

at::Tensor VmapLevel::wrap(const at::Tensor& values) const { return functorch::makeBatched(values, 0, level_); }

BelowVmap::BelowVmap()
    : excluded_(c10::DispatchKeySet(
          {c10::DispatchKey::FuncTorchDynamicLayerFrontMode, c10::DispatchKey::FuncTorchDynamicLayerBackMode})) {}

bool isBatched(const at::Tensor& tensor) { return tensor.defined() && functorch::isBatchedTensor(tensor); }

at::Tensor unwrap(const at::Tensor& batched) {
  const auto* implementation = functorch::maybeGetBatchedImpl(batched);
  return implementation->value().movedim(implementation->bdim(), 0);
}

at::Tensor wrapLike(const at::Tensor& values, const at::Tensor& like) {
  return functorch::makeBatched(values, 0, functorch::maybeGetBatchedImpl(like)->level());
}

}  // namespace heft
