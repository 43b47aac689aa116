#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace heft {

/// Reads "cpu", "cuda" (the first one) or "cuda:N". Throws Error(Fault::usage) for other text, and where this machine has no
/// such device.
[[nodiscard]] c10::Device readDevice(const std::string& text);

/// Reads one device as above, or several of CUDA: "cuda:0,cuda:2", "cuda:all". Throws as above, and for one named twice.
[[nodiscard]] std::vector<c10::Device> readDevices(const std::string& text);

/// Sets how many threads compute; 0: as many as LibTorch takes by itself, or what chooseThreads() finds. Throws Error(Fault::usage) for
/// a number that makes no sense.
void setThreads(int threads);

/// Where nobody has named a number of threads: one for a model that is so small that threads would wake and wait for longer than they
/// compute, else all. By what is counted, not by what takes time: sums must not depend on how busy the machine is. `products`: the
/// multiplications of one run, at most.
void chooseThreads(double products);

}  // namespace heft
