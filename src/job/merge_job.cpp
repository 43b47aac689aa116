#include "job/merge_job.hpp"

#include <algorithm>
#include <set>

#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/kept_work.hpp"
#include "measure/rank/rank.hpp"
#include "measure/session/provenance.hpp"
#include "measure/weights/selection.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/folder_lock.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/sealed_json.hpp"
#include "run/stored/shard.hpp"

namespace heft {
namespace {

/// The first ten, and how many more there are.
std::string firstOf(std::vector<std::string> parts) {
  constexpr std::size_t kShown = 10;
  const auto more = parts.size() > kShown ? " and " + std::to_string(parts.size() - kShown) + " more" : std::string();
  parts.resize(std::min(parts.size(), kShown));
  return joined(parts, ", ") + more;
}

std::vector<FoundShard> readShards(const std::vector<std::filesystem::path>& folders) {
  std::vector<FoundShard> shards;
  for (const auto& folder : folders) shards.push_back({folder, readShard(folder)});
  return shards;
}

/// Model and inputs where the first part found them, or those named instead.
SessionOptions sessionOfParts(const ShardRecord& record, const MergeJob& job) {
  Run like;
  like.settings = record.settings;
  like.provenance = record.provenance;
  auto session = sessionOf(like, job.files);
  session.devices = readDevices(job.device.empty() ? record.provenance.device : job.device);
  return session;
}

void checkIdentity(const FoundShard& shard, const Checkpoint::Identity& here) {
  if (shard.record.identity == here) return;
  throw Error(Fault::output, shard.folder.string() + ": does not match in " +
                                 describeDifferences(shard.record.identity, here, "there", "here") +
                                 "; merge it where it was measured, or as it was");
}

/// The cost of all parts, their notes and what else the run's reader should know of them.
void addShards(const std::vector<FoundShard>& shards, Run& run) {
  std::set<std::string> machines;
  for (const auto& [folder, record] : shards) {
    addMeasuring(run.cost, record.cost);
    machines.insert(record.provenance.machine);
    for (const auto& note : record.notes) {
      if (std::find(run.notes.begin(), run.notes.end(), note) == run.notes.end()) run.notes.push_back(note);
    }
    run.provenance.started = std::min(run.provenance.started, record.provenance.started);
  }
  run.provenance.threads = shards[0].record.provenance.threads;
  if (machines.size() == 1) {
    run.provenance.machine = *machines.begin();
    return;
  }
  run.notes.push_back("parts were measured on unlike machines (" + firstOf({machines.begin(), machines.end()}) +
                      "), so last digits may differ from those of one machine");
}

nlohmann::ordered_json shardsJson(const std::vector<FoundShard>& shards) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [folder, record] : shards) {
    list.push_back({{"shard", record.shard.text()},
                    {"folder", folder.string()},
                    {"finished", record.finished},
                    {"machine", record.provenance.machine},
                    {"device", record.provenance.device},
                    {"threads", record.provenance.threads},
                    {"variants", record.cost.variants},
                    {"seconds", finiteOrNull(record.cost.seconds)}});
  }
  return {{"shards", list}};
}

}  // namespace

Ranked mergeIn(const MergeJob& job, const std::function<RunFolder()>& open, const JobEvents& events) {
  const auto shards = readShards(job.parts);
  const auto missing = missingShards(shards);
  if (!missing.empty() && !job.allow_partial) {
    throw Error(Fault::output, "shards are missing or unfinished: " + firstOf(missing) + "; run them (with " +
                                   settingName("resume") + ") and name their folders, or add " +
                                   settingName("allow-partial"));
  }
  std::vector<FolderLock> locks;  // nobody writes into a part while it is read
  for (const auto& shard : shards) locks.emplace_back(shard.folder, FolderLock::Use::read);
  auto folder = open();
  KeptWork work(folder, job.go_on, KeptWork::After::a_stop);
  const auto& settings = shards[0].record.settings;
  Session session(sessionOfParts(shards[0].record, job));
  checkSettings(session, settings);
  const auto provenance = provenanceOf(session, job.threads);
  const auto identity = identityOf(settings, provenance);
  checkIdentity(shards[0], identity);
  if (events.opened) events.opened(session, select(session.structure(), settings.parameters));

  const auto same = [&](const Run& run) {
    return identityOf(run.settings, run.provenance) == identity && (run.complete || !missing.empty());
  };
  if (auto run = finishedRun(folder.path(), same,
                             "holds a finished run of other parts; choose another " + settingName("output")))
    return {std::move(*run), true, session.notes().size()};
  if (isShard(folder.path()))
    throw Error(Fault::output,
                folder.path().string() + ": holds a part of a ranking; choose another " + settingName("output"));
  const auto columns = checkpointColumns(settings);
  auto& checkpoint = work.begin(identity, columns);
  for (const auto& shard : shards) checkpoint.take(Checkpoint(shard.folder, identity, columns));
  events.say("merge   " + counted(shards.size(), "part") + ": " + counted(checkpoint.weights(), "measured weight"));
  auto run = work.keeping(nullptr, [&] {
    return rankWeights(
        session, settings, provenance, checkpoint,
        [&](const std::string& stage, double share) { events.tell(stage, share); }, !missing.empty());
  });
  if (run.cost.variants > 0) events.say("executed here, since no part had: " + counted(run.cost.variants, "variant"));
  addShards(shards, run);
  if (!missing.empty()) run.notes.push_back("merged without these parts of the ranking: " + firstOf(missing));
  run.feature_names = shards[0].record.feature_names;
  writeSealedJson(folder.path() / "shards.json", shardsJson(shards));
  writeRun(run, findingsOf(run), folder.path());
  work.keep();
  checkpoint.remove();
  return {std::move(run), false, session.notes().size()};
}

}  // namespace heft
