#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "measure/session/session.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Where the files of a finished run are now, for jobs that run its model again; empty: where they were.
struct RunFiles {
  std::filesystem::path model, targets;
  std::vector<std::filesystem::path> inputs;
};

/// Whether targets may be given that the ranking did without.
enum class NewTargets { refused, taken };

/// The run's model on its inputs, from the files named or else those that it was made from, on the CPU. Throws Error(Fault::model),
/// input or usage where one is gone or is another, by its hash.
[[nodiscard]] SessionOptions sessionOf(const Run& run, const RunFiles& files, NewTargets targets = NewTargets::refused);

/// The run's model alone, likewise.
[[nodiscard]] std::filesystem::path modelOf(const Run& run, const RunFiles& files);

/// Throws Error(Fault::output) where the run's parameters are not the session's; `folder` names the run.
void checkStructure(const Run& run, const Session& session, const std::string& folder);

}  // namespace heft
