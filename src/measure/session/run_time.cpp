#include "measure/session/run_time.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "data/seconds_since.hpp"
#include "engine/forward/input_cut.hpp"

namespace heft {
namespace {

constexpr double kTogether = 0.25;  // seconds
constexpr int kMostCalls = 20;

double ofThisThread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

double runProducts(const Model& model, const Inputs& inputs) {
  double products = static_cast<double>(weightCount(model));
  for (const auto size : firstSizes(inputs.values)) products *= static_cast<double>(size);
  return products;
}

double secondsOfRun(const std::function<std::vector<NamedOutput>()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  const double before = ofThisThread();
  const auto outputs = run();
  bool elsewhere = false;
  for (const auto& output : outputs) {
    elsewhere |= !output.value.is_cpu();
    (void)output.value.to(at::kCPU);  // a device works on after the call
  }
  return elsewhere ? secondsSince(begin) : ofThisThread() - before;
}

double leastSecondsOfRun(const std::function<std::vector<NamedOutput>()>& run) {
  double least = secondsOfRun(run), all = least;
  for (int call = 1; call < kMostCalls && all < kTogether; ++call) {
    const double one = secondsOfRun(run);
    least = std::min(least, one);
    all += one;
  }
  return least;
}

}  // namespace heft
