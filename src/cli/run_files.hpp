#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "measure/session/session.hpp"
#include "run/stored/run.hpp"

namespace heft::cli {

/// Where the files of a finished run are now, for commands that run its model again.
struct RunFiles {
  std::string model, targets;  ///< empty: where they were
  std::vector<std::string> inputs;
  int threads = 0;
};

/// Adds --model, --inputs, --targets, --threads.
void addRunFiles(CLI::App& command, RunFiles& files);

/// Whether targets may be given that the ranking did without.
enum class NewTargets { refused, taken };

/// The files of the run, or those named instead, checked by their hashes to be the same. Throws Error that says which
/// changed.
ModelOptions filesOf(const Run& run, const RunFiles& files, NewTargets targets = NewTargets::refused);

/// The run's model alone, likewise.
std::string modelOf(const Run& run, const RunFiles& files);

/// Throws Error(Fault::output) where the run's parameters are not the session's; `folder` names the run.
void checkStructure(const Run& run, const Session& session, const std::string& folder);

}  // namespace heft::cli
