#include "run/folder/run_folder.hpp"

#include <algorithm>
#include <vector>

#include "data/atomic_file.hpp"
#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "run/stored/checkpoint.hpp"
#include "run/stored/group_table.hpp"
#include "run/stored/run_json.hpp"
#include "run/stored/run_tensors.hpp"
#include "run/stored/sealed_json.hpp"
#include "run/stored/shard.hpp"
#include "run/text/tables.hpp"

namespace heft {
namespace {

namespace fs = std::filesystem;

constexpr const char* runFile = "run.json";
constexpr std::size_t longestStem = 100;

[[noreturn]] void refuse(const fs::path& path, const std::string& text) {
  throw Error(Fault::output, printablePath(path) + ": " + text);
}

/// What a folder holds but a lock, sorted.
std::vector<std::string> namesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  fs::directory_iterator each(folder, code);
  for (; !code && each != fs::directory_iterator(); each.increment(code)) {
    if (each->path().filename() != FolderLock::fileName) names.push_back(each->path().filename().native());
  }
  if (code) refuse(folder, "can't be listed: " + code.message() + "; choose another " + settingName("output"));
  std::sort(names.begin(), names.end());
  return names;
}

bool holds(const std::vector<std::string>& names, const char* name) {
  return std::binary_search(names.begin(), names.end(), name);
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), shown); ++i) text += (i > 0 ? ", " : "") + printable(names[i]);
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

/// Says whether it was there before.
bool makeFolder(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::exists(status) && !fs::is_directory(status))
    refuse(path, "is a file, not a folder; choose another " + settingName("output"));
  fs::create_directories(path, code);
  if (code)
    refuse(path, "can't be created: " + code.message() + "; choose a folder that you may write to with " +
                     settingName("output"));
  if (!fs::exists(status)) syncFolder(path.has_parent_path() ? path.parent_path() : ".");
  return fs::exists(status);
}

void refuseUnlessEmpty(const fs::path& path) {
  const std::vector<std::string> names = namesIn(path);
  if (holds(names, runFile)) refuse(path, "holds a run already; choose another " + settingName("output"));
  if (holds(names, Checkpoint::folderName) || holds(names, shardFile))
    refuse(path, "holds a run that was not finished; add " + settingName("resume") +
                     " to go on with it or choose another " + settingName("output"));
  if (!names.empty()) refuse(path, "is not empty (" + listed(names) + "); choose another " + settingName("output"));
}

/// Of the files that writeRun and heft merge write.
bool isOfRun(const std::string& name) {
  return name.ends_with(".safetensors") || name == "top.csv" || name == "components.csv" || name == "comparison.json" ||
         name == "shards.json";
}

/// run.json, where the folder is a run.
fs::path runFileIn(const fs::path& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::status(folder, ignored);
  if (!fs::exists(status)) refuse(folder, "there is no such run folder");
  if (!fs::is_directory(status)) refuse(folder, "is no run folder but a file; name the folder that 'heft rank' wrote");
  fs::path file = folder / runFile;
  if (fs::exists(file, ignored)) return file;
  if (isShard(folder)) refuse(folder, "is a part of a ranking, no run; 'heft merge' makes a run of all parts");
  if (fs::exists(folder / Checkpoint::folderName, ignored))
    refuse(folder, "is a run that was not finished; finish it with 'heft rank --resume' first");
  refuse(folder, "is no run folder (it has no run.json); name the folder that 'heft rank' wrote");
}

}  // namespace

RunFolder RunFolder::create(const fs::path& path) {
  const bool found = makeFolder(path);
  refuseUnlessEmpty(path);
  RunFolder folder(path, found ? Origin::found_empty : Origin::made);
  refuseUnlessEmpty(path);  // another heft may have come and gone before the lock was got
  return folder;
}

RunFolder RunFolder::createFor(const fs::path& model) {
  const std::string stem = model.stem().native().substr(0, longestStem);
  for (std::size_t number = 1;; ++number) {
    const fs::path path = "heft-run-" + stem + "-" + std::to_string(number);
    std::error_code code;
    // Made in one step, so that two programs started together don't choose the same one.
    if (fs::create_directory(path, code)) return RunFolder(path, Origin::made);
    if (code && code != std::errc::file_exists)
      refuse(path, "can't be created: " + code.message() + "; choose a folder that you may write to with " +
                       settingName("output"));
  }
}

RunFolder RunFolder::resume(const fs::path& path) {
  const bool found = makeFolder(path);
  const std::vector<std::string> names = namesIn(path);
  const bool strange = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return !name.starts_with(AtomicFile::temporaryPrefix);
  });
  if (strange && !holds(names, runFile) && !holds(names, shardFile) && !holds(names, Checkpoint::folderName))
    refuse(path, "holds no run to resume (" + listed(names) + "); choose another " + settingName("output"));
  RunFolder folder(path, found ? Origin::resumed : Origin::made);
  AtomicFile::deleteLeftovers(path);
  return folder;
}

void RunFolder::undo() noexcept {
  if (origin_ == Origin::resumed) return;
  try {
    std::error_code ignored;
    fs::remove_all(path_ / Checkpoint::folderName, ignored);
    fs::remove(path_ / shardFile, ignored);
    AtomicFile::deleteLeftovers(path_);
    // A run without its run.json is none, and the folder was empty when this object took it.
    if (!fs::exists(path_ / runFile, ignored)) {
      for (const std::string& name : namesIn(path_)) {
        if (isOfRun(name)) fs::remove(path_ / name, ignored);
      }
    }
    fs::remove(path_ / FolderLock::fileName, ignored);
    if (origin_ == Origin::made) fs::remove(path_, ignored);  // only where it is empty
  } catch (const std::exception&) {                           // what can't be deleted stays
  }
}

void removeCheckpoint(const fs::path& folder) {
  std::error_code code;
  fs::remove_all(folder / Checkpoint::folderName, code);
  if (code) refuse(folder / Checkpoint::folderName, "can't be deleted: " + code.message());
}

void writeRun(const Run& run, const Findings& findings, const fs::path& folder) {
  checkSizes(run);
  std::error_code code;
  fs::remove(folder / runFile, code);  // of an unfinished run: it must not vouch for what is being replaced
  writeRunTensors(run, folder);
  writeGroupTable(run, folder);
  writeTopTable(run, findings, folder / "top.csv");
  writeComponentTable(run, folder / "components.csv");
  writeSealedJson(folder / "comparison.json", comparisonJson(run, findings.comparison));
  writeSealedJson(folder / runFile, runJson(run));
}

Run readRunFacts(const fs::path& folder) { return readRunJson(runFileIn(folder)); }

Run readRun(const fs::path& folder) {
  Run run = readRunFacts(folder);
  readRunTensors(run, folder);
  readGroupTable(run, folder);
  return run;
}

}  // namespace heft
