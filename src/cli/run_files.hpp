#pragma once

#include <CLI/CLI.hpp>

#include "job/run_files.hpp"

namespace heft::cli {

/// The files of a run, for commands that run its model again, and the threads that it runs on.
struct RunFileOptions {
  RunFiles files;
  int threads = 0;
};

/// Adds --model, --inputs, --targets, --threads.
void addRunFiles(CLI::App& command, RunFileOptions& options);

/// The run's model on its inputs, on the threads asked for. Throws as sessionOf().
SessionOptions openedOn(const Run& run, const RunFileOptions& options, NewTargets targets = NewTargets::refused);

}  // namespace heft::cli
