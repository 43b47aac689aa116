#include "engine/forward/device.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "data/setting_name.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// How many there are; `text` is what was asked for.
int cudaDevices(const std::string& text) {
  if (!at::hasCUDA()) {
    throw Error(Fault::usage, settingName("device") + " " + text +
                                  ": this build or machine has no usable CUDA device; leave " + settingName("device") +
                                  " out to run on the CPU");
  }
  return at::detail::getCUDAHooks().deviceCount();
}

/// Multiplications of a run that take a thread less than a millisecond, about.
constexpr double kSmall = 1e6;

bool chosen_threads = true;  ///< by somebody: also by a program that never asked us

/// As many as LibTorch takes by itself.
int allThreads() {
  static const int all = at::get_num_threads();
  return all;
}

}  // namespace

c10::Device readDevice(const std::string& text) {
  if (text == "cpu") return c10::kCPU;
  int number = 0;  // cuda is the first one
  bool known = text == "cuda";
  if (text.starts_with("cuda:")) {
    const auto* end = text.data() + text.size();
    const auto [last, code] = std::from_chars(text.data() + 5, end, number);
    known = code == std::errc() && last == end && number >= 0;
  }
  if (text == "cuda:all" || text.find(',') != std::string::npos) {
    throw Error(Fault::usage,
                settingName("device") + " " + text +
                    ": one device was expected here, cpu, cuda or cuda:N; heft rank and heft merge take several");
  }
  if (!known) throw Error(Fault::usage, settingName("device") + " " + text + ": cpu, cuda or cuda:N was expected");
  const int count = cudaDevices(text);
  if (number >= count) {
    throw Error(Fault::usage, settingName("device") + " " + text + ": this machine has " + std::to_string(count) +
                                  (count == 1 ? " usable CUDA device, cuda:0"
                                              : " usable CUDA devices, cuda:0 to cuda:" + std::to_string(count - 1)));
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(number)};
}

std::vector<c10::Device> readDevices(const std::string& text) {
  std::vector<c10::Device> devices;
  if (text == "cuda:all") {
    const int count = cudaDevices(text);
    for (int i = 0; i < count; ++i) devices.emplace_back(c10::kCUDA, static_cast<c10::DeviceIndex>(i));
    return devices;
  }
  std::stringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto device = readDevice(part);
    if (!devices.empty() && (device.is_cpu() || devices[0].is_cpu()))
      throw Error(Fault::usage,
                  settingName("device") + " " + text + ": several devices must be CUDA devices, as in cuda:0,cuda:1");
    if (std::find(devices.begin(), devices.end(), device) != devices.end())
      throw Error(Fault::usage, settingName("device") + " " + text + ": " + device.str() + " is named twice");
    devices.push_back(device);
  }
  return devices.empty() ? std::vector{readDevice(text)} : devices;
}

void setThreads(int threads) {
  if (threads < 0 || threads > 4096)
    throw Error(Fault::usage,
                settingName("threads") + " " + std::to_string(threads) + ": a number from 0 to 4096 was expected");
  chosen_threads = threads > 0;
  // Said even where it changes nothing: from then on MKL keeps to that number, whatever else the machine does, and with it to
  // the order of its sums.
  at::set_num_threads(threads > 0 ? threads : allThreads());
}

void chooseThreads(double products) {
  if (!chosen_threads) at::set_num_threads(products < kSmall ? 1 : allThreads());
}

}  // namespace heft
