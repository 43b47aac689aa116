#pragma once

#include <filesystem>

#include "cli/command.hpp"
#include "heft/error.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/checkpoint.hpp"

namespace heft::cli {

/// Prints what a finished run found: the verdict, or with --json its summary.
void reportRun(const Context& context, const Run& run, const std::filesystem::path& folder);

/// Leaves no half-made folder behind a run that fails before anything is measured.
class UndoUnlessKept {
 public:
  explicit UndoUnlessKept(RunFolder& folder) : folder_(folder) {}
  UndoUnlessKept(const UndoUnlessKept&) = delete;
  UndoUnlessKept& operator=(const UndoUnlessKept&) = delete;
  ~UndoUnlessKept() {
    if (!kept_) folder_.undo();
  }
  void keep() { kept_ = true; }

 private:
  RunFolder& folder_;
  bool kept_ = false;
};

/// The command line once more, so that it goes on: with `folder` where -o named none (empty: it did), and with --resume unless
/// `resumes` says that it stands there.
[[nodiscard]] std::string resumeCommand(const Context& context, const std::filesystem::path& folder, bool resumes);

/// Whatever ended the run, what it measured is there for --resume.
void keepMeasured(Checkpoint& checkpoint, UndoUnlessKept& undo);

/// Logs the command that goes on after a failure, where anything was kept.
void tellKept(const Context& context, const Checkpoint& checkpoint, const std::string& resume_command);

/// What a ranking that was stopped ends with: how much is kept in `folder`, and the command that goes on.
[[nodiscard]] Error stoppedError(const Checkpoint& checkpoint, const std::filesystem::path& folder,
                                 const std::string& resume_command);

}  // namespace heft::cli
