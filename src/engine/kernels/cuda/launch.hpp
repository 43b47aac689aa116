#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "engine/kernels/cuda/place.hpp"

// For .cu files only.
namespace heft::kernels {

/// Throws std::runtime_error where the last launch failed.
inline void checkLaunch() {
  const auto error = cudaGetLastError();
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

inline cudaStream_t streamOf(Place place) { return static_cast<cudaStream_t>(place.stream); }

inline unsigned blocksFor(std::int64_t threads, unsigned each) {
  return static_cast<unsigned>((threads + each - 1) / each);
}

__device__ inline std::int64_t globalThread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

}  // namespace heft::kernels
