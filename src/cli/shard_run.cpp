#include "cli/shard_run.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "data/seconds_since.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/rank/rank.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kTellEvery = 5;  // seconds between two words to heft status

/// A whole number that Slurm put into the environment.
std::int64_t fromSlurm(const char* name) {
  const char* value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    throw Error(Fault::usage, "--shard auto: " + std::string(name) +
                                  (text.empty() ? " is not set" : "=" + text + " is no number") +
                                  "; start it in an array job (sbatch --array=1-N), or name the part: --shard I/N");
  }
  return number;
}

Shard shardFromSlurm() {
  const auto id = fromSlurm("SLURM_ARRAY_TASK_ID"), first = fromSlurm("SLURM_ARRAY_TASK_MIN"),
             count = fromSlurm("SLURM_ARRAY_TASK_COUNT");
  if (id < first || id - first >= count) {
    throw Error(Fault::usage, "--shard auto: the array job's " + std::to_string(count) + " tasks from " +
                                  std::to_string(first) + " on have gaps (this one is " + std::to_string(id) +
                                  "); number them without: sbatch --array=1-N");
  }
  return Shard::parse(std::to_string(id - first + 1) + "/" + std::to_string(count));
}

/// Keeps shard.json up to date for heft status.
class Teller {
 public:
  Teller(ShardRecord& record, std::filesystem::path folder) : record_(record), folder_(std::move(folder)) {}

  void tell(const std::string& stage, double share) {
    if (stage != record_.stage) stage_began_ = Clock::now();
    record_.stage = stage;
    record_.share = share;
    record_.stage_seconds = secondsSince(stage_began_);
    if (secondsSince(told_) < kTellEvery) return;
    told_ = Clock::now();
    writeShard(record_, folder_);
  }

 private:
  ShardRecord& record_;
  std::filesystem::path folder_;
  Clock::time_point stage_began_ = Clock::now(), told_ = Clock::now();
};

/// The record that the folder holds, or a new one; refuses another part than this.
ShardRecord recordIn(const std::filesystem::path& folder, const ShardRecord& wanted) {
  if (!isShard(folder)) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / Checkpoint::folderName, ignored) ||
        std::filesystem::exists(folder / "run.json", ignored))
      throw Error(Fault::output, folder.string() + ": holds a ranking that is not divided; choose another -o");
    return wanted;
  }
  if (const auto damage = shardDamage(folder)) {
    // The checkpoint vouches for itself: only what this file told is lost.
    auto begun = wanted;
    begun.notes.push_back("What is known of a part was written anew, its cost begins at nothing (" + *damage + ").");
    return begun;
  }
  auto found = readShard(folder);
  if (found.shard == wanted.shard) return found;
  throw Error(Fault::output, folder.string() + ": holds " + (found.shard.estimates() ? "" : "shard ") +
                                 found.shard.text() + ", not " + wanted.shard.text() + "; choose another -o");
}

void takeEstimates(const std::filesystem::path& folder, const ShardRecord& record, Checkpoint& checkpoint) {
  const auto found = readShard(folder);
  const auto refuse = [&](const std::string& text) { throw Error(Fault::output, folder.string() + ": " + text); };
  if (found.identity != record.identity) {
    refuse("was made with another " + describeDifferences(found.identity, record.identity, "there", "here") +
           "; use the same again");
  }
  if (!found.shard.estimates()) refuse("holds shard " + found.shard.text() + ", not what --estimates-only wrote");
  if (!found.finished) refuse("its estimates are not finished; run it again with --resume");
  checkpoint.take(Checkpoint(folder, record.identity, checkpointColumns(record.settings)));
}

void report(const Context& context, const ShardRecord& record, const std::filesystem::path& folder) {
  if (context.json) {
    std::cout << jsonText({{"shard", record.shard.text()},
                           {"folder", folder.string()},
                           {"finished", record.finished},
                           {"variants", record.cost.variants},
                           {"seconds", finiteOrNull(record.cost.seconds)}})
              << '\n';
    return;
  }
  if (record.shard.estimates()) {
    std::cout << "estimates finished: " << folder.string()
              << "  (shards begin with them: heft rank ... --shard I/N --estimates " << folder.string() << ")\n";
    return;
  }
  std::cout << "shard " << record.shard.text() << " finished: " << folder.string()
            << "  (heft merge joins all of them)\n";
}

}  // namespace

void addShardOptions(CLI::App& command, ShardOptions& options) {
  command
      .add_option("--shard", options.shard,
                  "Do part I of N alone, as in 3/7; auto: the one that Slurm's array job gives. heft merge joins them")
      ->type_name("I/N");
  command.add_flag("--estimates-only", options.estimates_only,
                   "Methods auto and response: make the estimates alone, for all shards to begin with");
  command.add_option("--estimates", options.estimates, "Begin this shard with what --estimates-only wrote")
      ->type_name("DIR");
}

Shard shardOf(const ShardOptions& options, Method method) {
  if ((options.estimates_only || !options.estimates.empty()) && executesAll(method))
    throw Error(Fault::usage, "--estimates: the method " + std::string(name(method)) +
                                  " executes everything and estimates nothing; leave it out");
  if (options.estimates_only) {
    if (!options.shard.empty() || !options.estimates.empty())
      throw Error(Fault::usage, "--estimates-only: is no shard; leave --shard and --estimates out");
    return {0, 0};
  }
  if (options.shard.empty()) throw Error(Fault::usage, "--estimates: a shard begins with them; add --shard I/N");
  return options.shard == "auto" ? shardFromSlurm() : Shard::parse(options.shard);
}

int runShard(Session& session, const RankSettings& settings, const Provenance& provenance, const ShardTask& task,
             UndoUnlessKept& undo, const Context& context) {
  ShardRecord wanted;
  wanted.shard = task.shard;
  wanted.identity = identityOf(settings, provenance);
  wanted.settings = settings;
  wanted.provenance = provenance;
  wanted.feature_names = task.feature_names;
  auto record = recordIn(task.folder, wanted);
  // First of all: whoever finds a checkpoint alone takes it for that of a ranking that is not divided.
  if (!isShard(task.folder)) writeShard(record, task.folder);
  Checkpoint checkpoint(task.folder, wanted.identity, checkpointColumns(settings));
  const SaveAtHardStop save([&] {
    checkpoint.rescue(kSavingTime);
    return std::string(stoppedError(checkpoint, task.folder, task.resume_command).what());
  });
  if (record.finished && checkpoint.notes().empty() && !checkpoint.empty()) {
    undo.keep();
    context.log("this part is finished already; nothing was measured");
    report(context, record, task.folder);
    return 0;
  }
  record.finished = false;  // where it was, its checkpoint was damaged since
  record.stage = "beginning";
  writeShard(record, task.folder);
  if (!task.estimates.empty()) takeEstimates(task.estimates, record, checkpoint);
  context.log("shard   " + task.shard.text() +
              (checkpoint.weights() > 0 ? ": " + counted(checkpoint.weights(), "weight") + " measured before" : ""));
  Progress progress(context.progress);
  Teller teller(record, task.folder);
  try {
    const auto run = measureShard(session, settings, provenance, task.shard, checkpoint,
                                  [&](const std::string& stage, double share) {
                                    progress.update(stage, share);
                                    teller.tell(stage, share);
                                    stopIfAsked();
                                  });
    progress.finish();
    checkpoint.removeLeftOut();
    record.finished = true;
    record.share = 1;
    record.cost.seconds += run.cost.seconds;
    record.cost.response_seconds += run.cost.response_seconds;
    record.cost.execute_seconds += run.cost.execute_seconds;
    record.cost.variants += run.cost.variants;
    for (auto i = session.notes().size(); i < run.notes.size(); ++i) {
      record.notes.push_back(run.notes[i]);
      context.warn(run.notes[i]);
    }
    writeShard(record, task.folder);
    undo.keep();
    report(context, record, task.folder);
  } catch (const Error& error) {
    progress.stop();
    keepMeasured(checkpoint, undo);
    if (error.fault() != Fault::interrupted) {
      tellKept(context, checkpoint, task.resume_command);
      throw;
    }
    undo.keep();
    throw stoppedError(checkpoint, task.folder, task.resume_command);
  } catch (...) {
    keepMeasured(checkpoint, undo);
    tellKept(context, checkpoint, task.resume_command);
    throw;
  }
  return 0;
}

}  // namespace heft::cli
