#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "job/rank_job.hpp"
#include "job/run_files.hpp"

namespace heft {

/// Joining the parts of a divided ranking.
struct MergeJob {
  std::vector<std::filesystem::path> parts;
  bool allow_partial = false;  ///< make a run of the parts there are
  RunFiles files;              ///< of the first part
  std::string device;          ///< to execute on what no part has; empty: where the first part was measured
  int threads = 0;             ///< that were set; 0: as LibTorch has them
  std::string go_on;           ///< as RankJob's
};

/// Writes the run that the whole ranking gives alone, bit for bit, into `folder`. Throws as rankIn(); Error(Fault::output) for parts
/// that are missing, unfinished, given twice, or of another ranking.
[[nodiscard]] Ranked mergeIn(const MergeJob& job, const std::function<RunFolder()>& open, const JobEvents& events);

}  // namespace heft
