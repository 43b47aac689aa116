#include "measure/plan/plan_jobs.hpp"

#include <algorithm>
#include <cmath>

namespace heft {
namespace {

constexpr double kShardSeconds = 1800;
constexpr double kMostShards = 1000;  // Slurm's own default of the largest array

// Operations of a plan's variants that were executed in a second: all 13,664,266 weights of an LSTM of 2 x 1,024 units, 16 samples,
// 32 steps, which is 1.14e17 operations as planRanking() counts them, in 649 and 624 seconds, and in 352 s with --precision bfloat16
// on the first (bench/RESULTS.md, 2026-11-26 and -27). Starting a device takes some seconds besides.
struct Device {
  const char* name;
  double float32, bfloat16;
};
constexpr double kMeasuredFlop = 1.14e17;
constexpr Device kDevices[] = {{"NVIDIA H100", kMeasuredFlop / 649, kMeasuredFlop / 352},
                               {"NVIDIA H200", kMeasuredFlop / 624, kMeasuredFlop / 352}};
constexpr double kDeviceStart = 3;

std::int64_t upTo(double value, std::int64_t step) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(value / static_cast<double>(step)))) * step;
}

}  // namespace

PlannedJobs jobsOf(const Plan& plan, std::int64_t shards) {
  PlannedJobs jobs;
  jobs.shards = shards > 0
                    ? shards
                    : static_cast<std::int64_t>(std::clamp(std::ceil(plan.execute / kShardSeconds), 1.0, kMostShards));
  const double estimates = plan.adjoint + plan.response;
  // Estimates are made once, before (--estimates-only), where there are several parts.
  jobs.shard_seconds = plan.start + plan.prepare + plan.execute / static_cast<double>(jobs.shards) +
                       (jobs.shards == 1 ? estimates + plan.finish : 0);
  jobs.merge_seconds = plan.start + plan.prepare + plan.finish;
  jobs.minutes = upTo(1.5 * std::max(jobs.shard_seconds, jobs.shards > 1 ? plan.start + estimates : 0) / 60, 5);
  jobs.mebibytes = upTo(1.25 * plan.memory / 1048576, 256);
  return jobs;
}

std::vector<DeviceTime> deviceTimes(const Plan& plan) {
  std::vector<DeviceTime> times;
  if (plan.flop <= 0) return times;
  for (const auto& device : kDevices) {
    const double speed = plan.settings.precision == Precision::bfloat16 ? device.bfloat16 : device.float32;
    times.push_back({device.name, kDeviceStart + plan.flop / speed});
  }
  return times;
}

}  // namespace heft
