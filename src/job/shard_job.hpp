#pragma once

#include <filesystem>

#include "job/rank_job.hpp"
#include "run/stored/shard.hpp"

namespace heft {

/// A part of a ranking that is divided among machines.
struct ShardJob {
  RankJob rank;
  Shard shard;
  std::filesystem::path estimates;  ///< a folder in which estimates alone were made, to begin with; empty: none
};

struct MeasuredShard {
  ShardRecord record;
  bool before = false;         ///< it was finished already, and nothing was measured
  std::size_t told_notes = 0;  ///< the record's first notes, which are known since JobEvents::opened
};

/// Measures the part into `folder`, or goes on with it, and keeps word of how far it is there for whoever watches. Throws as
/// rankIn(); Error(Fault::output) for folders of other parts.
[[nodiscard]] MeasuredShard measureShardIn(RunFolder& folder, const ShardJob& job, const JobEvents& events);

}  // namespace heft
