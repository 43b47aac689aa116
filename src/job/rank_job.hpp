#pragma once

#include <string>
#include <vector>

#include "job/job_events.hpp"
#include "measure/session/session.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// A ranking, from the model's file to the run folder.
struct RankJob {
  RankSettings settings;
  SessionOptions session;
  int threads = 0;  ///< that were set; 0: as LibTorch has them
  std::vector<std::string> feature_names;
  std::string go_on;  ///< the command or call that goes on with it once it was stopped, for messages
  bool write = true;  ///< false: nothing but the checkpoint, while it is needed, is written
};

struct Ranked {
  Run run;
  bool before = false;         ///< it was finished already, and nothing was measured
  std::size_t told_notes = 0;  ///< the run's first notes, which are the session's: known since JobEvents::opened
};

/// Ranks, with checkpoints in `folder`, and writes the run there; goes on with what an earlier job left in it. Throws Error: usage,
/// model, input, unsupported; Fault::output for a folder that holds something else; Fault::interrupted once it was stopped; and
/// whatever an event throws. What was measured is kept then.
[[nodiscard]] Ranked rankIn(RunFolder& folder, const RankJob& job, const JobEvents& events);

/// The finished run that `folder` holds, with nothing left of its checkpoint; nothing where there is none. Throws
/// Error(Fault::output) where `same` says that it is another one.
[[nodiscard]] std::optional<Run> finishedRun(const std::filesystem::path& folder,
                                             const std::function<bool(const Run&)>& same, const std::string& other);

}  // namespace heft
