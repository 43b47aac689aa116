#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/command.hpp"
#include "job/rank_job.hpp"

namespace heft::cli {

/// The command line once more, so that it goes on: with `folder` where -o named none (empty: it did), and with --resume unless
/// `resumes` says that it stands there.
[[nodiscard]] std::string resumeCommand(const Context& context, const std::filesystem::path& folder, bool resumes);

/// A job that shows how far it is, is stopped by a signal, and logs what it says.
[[nodiscard]] JobEvents eventsOf(const Context& context, Progress& progress);

/// Prints what a ranking found: its new notes, and the verdict or, with --json, its summary.
void reportRanked(const Context& context, const Ranked& ranked, const std::filesystem::path& folder);

}  // namespace heft::cli
