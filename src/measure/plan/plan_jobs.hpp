#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/plan/plan.hpp"

namespace heft {

/// How a planned ranking is divided into the tasks of an array job.
struct PlannedJobs {
  std::int64_t shards = 1;
  double shard_seconds = 0;  ///< of each part
  double merge_seconds = 0;
  std::int64_t minutes = 0;    ///< to ask for: half as long again, in steps of five
  std::int64_t mebibytes = 0;  ///< likewise, a quarter more, in steps of 256
};

/// `shards` 0: parts of half an hour, about.
PlannedJobs jobsOf(const Plan& plan, std::int64_t shards);

/// What a CUDA device would take, from what one has taken.
struct DeviceTime {
  std::string device;
  double seconds = 0;
};

/// Of executing alone; by products' speed, which small models don't reach. Nothing where nothing is executed.
std::vector<DeviceTime> deviceTimes(const Plan& plan);

}  // namespace heft
