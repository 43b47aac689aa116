#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/progress.hpp"

namespace heft::cli {

/// What every command is given.
struct Context {
  std::vector<std::string> arguments;  ///< the whole command line, for the command that goes on with a stopped run
  bool json = false;                   ///< results as JSON on standard output
  ProgressStyle progress = ProgressStyle::none;

  /// A line of log on standard error.
  std::function<void(const std::string& text)> log;
  std::function<void(const std::string& text)> warn;
};

/// What a command does once its options are read; returns the exit status.
using Action = std::function<int(const Context& context)>;

// Each adds its subcommand to the program and returns what it does. One file a command.
Action addAblate(CLI::App& program);
Action addCompare(CLI::App& program);
Action addCompletion(CLI::App& program);  ///< the program must outlive the action
Action addExport(CLI::App& program);
Action addHelp(CLI::App& program);  ///< likewise
Action addInspect(CLI::App& program);
Action addMask(CLI::App& program);
Action addMerge(CLI::App& program);
Action addPlan(CLI::App& program);
Action addRank(CLI::App& program);
Action addReport(CLI::App& program);
Action addStatus(CLI::App& program);
Action addVerify(CLI::App& program);

}  // namespace heft::cli
