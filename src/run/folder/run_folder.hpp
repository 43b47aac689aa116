#pragma once

#include <filesystem>

#include "run/findings/findings.hpp"
#include "run/stored/folder_lock.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// A folder that this process alone writes a run into, from opening to destruction. All errors are
/// Error(Fault::output) in one line.
class RunFolder {
 public:
  /// A new or empty folder, parents included. Refuses one that holds something, saying what and what to do.
  static RunFolder create(const std::filesystem::path& path);
  /// The first of heft-run-MODEL-1, -2, … in the current folder that is free; MODEL is the file's name
  /// without ending.
  static RunFolder createFor(const std::filesystem::path& model);
  /// A folder that an earlier process began (or a new one); deletes the partial files it left. Refuses a
  /// folder that holds neither a run nor a checkpoint but something else.
  static RunFolder resume(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Takes back what a run began here, for one that failed before it measured anything: its checkpoint, all files of a
  /// run that has no run.json yet, and the folder itself where this object made it. Does nothing in a folder that was resumed.
  void undo() noexcept;

 private:
  enum class Origin { made, found_empty, resumed };
  RunFolder(std::filesystem::path path, Origin origin) : path_(std::move(path)), origin_(origin), lock_(path_) {}

  std::filesystem::path path_;
  Origin origin_;
  FolderLock lock_;
};

/// Deletes what a finished run, whose folder the caller holds, still has of its checkpoint.
void removeCheckpoint(const std::filesystem::path& folder);

/// Writes everything a run folder holds but the report and curves; run.json comes last, so that a folder with
/// a run.json is whole. Linear in the number of weights but for the sorting behind the rank statistics.
void writeRun(const Run& run, const Findings& findings, const std::filesystem::path& folder);

/// Throws Error(Fault::output) where there is no such folder, it is no (finished) run, or a file in it is
/// missing, damaged, of another format version or does not fit the others.
[[nodiscard]] Run readRun(const std::filesystem::path& folder);

/// As readRun, without the impacts: quick, for settings and structure.
[[nodiscard]] Run readRunFacts(const std::filesystem::path& folder);

}  // namespace heft
