#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "engine/kernels/cuda/place.hpp"

namespace heft {

/// Whether Heft's kernels run on this device: on the CPU always, on a CUDA device where this build has their device side.
inline bool kernelsRunOn(const at::Device& device) {
  return device.is_cpu() || (device.is_cuda() && kernels::hasDeviceKernels());
}

/// The device's memory, and the stream that LibTorch works on there.
inline kernels::Place placeOf(const at::Device& device) {
  if (device.is_cpu()) return {};
  return {true, c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle()};
}

}  // namespace heft
