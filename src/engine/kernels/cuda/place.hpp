#pragma once

namespace heft::kernels {

/// Memory of a CUDA device and the stream that works on it, or the host's: the same functions run on both, so that tests on a
/// machine without a device vouch for what a device computes.
struct Place {
  bool device = false;
  void* stream = nullptr;  ///< a cudaStream_t
};

/// Whether this build has the functions' device side, which needs a CUDA compiler.
[[nodiscard]] bool hasDeviceKernels();

}  // namespace heft::kernels
