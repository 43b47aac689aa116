#include "cli/run_files.hpp"

#include "cli/options.hpp"
#include "engine/forward/device.hpp"

namespace heft::cli {

void addRunFiles(CLI::App& command, RunFileOptions& options) {
  addPath(command, "--model", options.files.model, "The run's model, where it has moved")->type_name("FILE");
  addPaths(command, "--inputs", options.files.inputs, "The run's inputs, where they have moved")->type_name("FILE...");
  addPath(command, "--targets", options.files.targets, "The run's targets, where they have moved")->type_name("FILE");
  command.add_option("--threads", options.threads, "Threads to compute with; 0: one a processor")
      ->capture_default_str();
}

SessionOptions openedOn(const Run& run, const RunFileOptions& options, NewTargets targets) {
  auto session = sessionOf(run, options.files, targets);
  setThreads(options.threads);
  return session;
}

}  // namespace heft::cli
