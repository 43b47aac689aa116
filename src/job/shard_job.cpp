#include "job/shard_job.hpp"

#include <chrono>

#include "compare/measures/input_features.hpp"
#include "data/seconds_since.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "job/kept_work.hpp"
#include "measure/rank/rank.hpp"
#include "measure/session/provenance.hpp"
#include "measure/weights/selection.hpp"

namespace heft {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kTellEvery = 5;  // seconds between two words to who watches

/// Keeps shard.json up to date for heft status.
class ShardWatch {
 public:
  ShardWatch(ShardRecord& record, std::filesystem::path folder) : record_(record), folder_(std::move(folder)) {}

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
      throw Error(Fault::output,
                  folder.string() + ": holds a ranking that is not divided; choose another " + settingName("output"));
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
                                 found.shard.text() + ", not " + wanted.shard.text() + "; choose another " +
                                 settingName("output"));
}

void takeEstimates(const std::filesystem::path& folder, const ShardRecord& record, Checkpoint& checkpoint) {
  const auto found = readShard(folder);
  const auto refuse = [&](const std::string& text) { throw Error(Fault::output, folder.string() + ": " + text); };
  if (found.identity != record.identity) {
    refuse("was made with another " + describeDifferences(found.identity, record.identity, "there", "here") +
           "; use the same again");
  }
  if (!found.shard.estimates())
    refuse("holds shard " + found.shard.text() + ", not what " + settingName("estimates-only") + " wrote");
  if (!found.finished) refuse("its estimates are not finished; run it again with " + settingName("resume"));
  checkpoint.take(Checkpoint(folder, record.identity, checkpointColumns(record.settings)));
}

}  // namespace

MeasuredShard measureShardIn(RunFolder& folder, const ShardJob& job, const JobEvents& events) {
  const auto& path = folder.path();
  const auto& settings = job.rank.settings;
  KeptWork work(folder, job.rank.go_on);
  Session session(job.rank.session);
  checkSettings(session, settings);
  checkFeatureNames(session, job.rank.feature_names);
  ShardRecord wanted;
  wanted.shard = job.shard;
  wanted.settings = settings;
  wanted.provenance = provenanceOf(session, job.rank.threads);
  wanted.identity = identityOf(settings, wanted.provenance);
  wanted.feature_names = job.rank.feature_names;
  if (events.opened) events.opened(session, select(session.structure(), settings.parameters));

  auto record = recordIn(path, wanted);
  // First of all: whoever finds a checkpoint alone takes it for that of a ranking that is not divided.
  if (!isShard(path)) writeShard(record, path);
  auto& checkpoint = work.begin(wanted.identity, checkpointColumns(settings));
  if (record.finished && checkpoint.notes().empty() && !checkpoint.empty()) {
    work.keep();
    return {record, true, record.notes.size()};
  }
  record.finished = false;  // where it was, its checkpoint was damaged since
  record.stage = "beginning";
  writeShard(record, path);
  if (!job.estimates.empty()) takeEstimates(job.estimates, record, checkpoint);
  events.say("shard   " + job.shard.text() +
             (checkpoint.weights() > 0 ? ": " + counted(checkpoint.weights(), "weight") + " measured before" : ""));
  ShardWatch watch(record, path);
  const auto told = record.notes.size();
  work.keeping(events.log, [&] {
    const auto run = measureShard(session, settings, wanted.provenance, job.shard, checkpoint,
                                  [&](const std::string& stage, double share) {
                                    watch.tell(stage, share);
                                    events.tell(stage, share);
                                  });
    checkpoint.removeLeftOut();
    record.finished = true;
    record.share = 1;
    addMeasuring(record.cost, run.cost);
    for (auto i = session.notes().size(); i < run.notes.size(); ++i) record.notes.push_back(run.notes[i]);
    writeShard(record, path);
  });
  work.keep();
  return {record, false, told};
}

}  // namespace heft
