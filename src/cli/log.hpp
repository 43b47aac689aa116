#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/progress.hpp"

namespace heft::cli {

/// What is said beside the results, and where: log and progress on standard error, the log also in a file.
struct LogOptions {
  bool quiet = false;
  std::string level = "info";     ///< "debug", "info", "warning" or "error"
  std::string file;               ///< empty: none
  std::string progress = "auto";  ///< as parseProgress reads it
};

/// Adds --quiet, --log-level, --log-file and --progress, whose values are checked as they are read.
void addLogOptions(CLI::App& program, LogOptions& options);

/// Logs to standard error, in colours where it is a terminal; NO_COLOR and CLICOLOR=0 forbid them and CLICOLOR_FORCE asks
/// for them anywhere, as no-color.org and bixense.com/clicolors say.
void startLog();

/// Takes what the command line asked for. Quiet silences standard error but for errors; a file is still written in full.
/// Throws Error(Fault::output) where the file can't be opened.
void applyLog(const LogOptions& options);

/// Quiet shows no progress, unless a style was asked for by name.
ProgressStyle progressStyle(const LogOptions& options);

}  // namespace heft::cli
