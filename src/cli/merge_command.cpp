#include <algorithm>
#include <memory>
#include <set>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/ranked.hpp"
#include "cli/run_files.hpp"
#include "cli/signals.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/rank/rank.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/sealed_json.hpp"
#include "run/stored/shard.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::vector<std::string> shards;
  std::string run, device;
  RunFiles files;
  bool allow_partial = false, resume = false;
};

constexpr auto kFooter =
    R"(The run is the one that heft rank makes alone, bit for bit, whatever the number of parts and their order. The model and the
inputs are needed once more; where the method is auto, the few variants that no part has executed are executed here.
Refused: parts that are missing, unfinished, given twice, or of other models, inputs, settings or versions.

Examples:
  heft merge parts/* -o my-run
  heft merge parts/* -o my-run --resume
  heft merge parts/1 parts/3 -o what-there-is --allow-partial
  heft merge parts/* -o my-run --model moved/model.pt --inputs moved/x.npy)";

std::string joined(const std::vector<std::string>& parts) {
  constexpr std::size_t kShown = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(parts.size(), kShown); ++i) text += (i > 0 ? ", " : "") + parts[i];
  return parts.size() > kShown ? text + " and " + std::to_string(parts.size() - kShown) + " more" : text;
}

std::vector<FoundShard> readShards(const std::vector<std::string>& folders) {
  std::vector<FoundShard> shards;
  for (const auto& folder : folders) shards.push_back({folder, readShard(folder)});
  return shards;
}

/// Model and inputs where the first shard found them, or those named instead.
ModelOptions filesOfShards(const ShardRecord& record, const Options& options) {
  Run like;
  like.settings = record.settings;
  like.provenance = record.provenance;
  auto files = filesOf(like, options.files);
  files.device = options.device.empty() ? record.provenance.device : options.device;
  return files;
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
    run.cost.seconds += record.cost.seconds;
    run.cost.response_seconds += record.cost.response_seconds;
    run.cost.execute_seconds += record.cost.execute_seconds;
    run.cost.variants += record.cost.variants;
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
  run.notes.push_back("parts were measured on unlike machines (" + joined({machines.begin(), machines.end()}) +
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

Run rankMerged(Session& session, const RankSettings& settings, const Provenance& provenance, Checkpoint& checkpoint,
               bool known_only, const Context& context) {
  Progress progress(context.progress);
  auto run = rankWeights(
      session, settings, provenance, checkpoint,
      [&](const std::string& stage, double share) {
        progress.update(stage, share);
        stopIfAsked();
      },
      known_only);
  progress.finish();
  if (run.cost.variants > 0) context.log("executed here, since no part had: " + counted(run.cost.variants, "variant"));
  return run;
}

int merge(const Options& options, const Context& context) {
  const auto shards = readShards(options.shards);
  const auto missing = missingShards(shards);
  if (!missing.empty() && !options.allow_partial) {
    throw Error(Fault::output, "shards are missing or unfinished: " + joined(missing) +
                                   "; run them (with --resume) and name their folders, or add --allow-partial");
  }
  std::vector<FolderLock> locks;  // nobody writes into a part while it is read
  for (const auto& shard : shards) locks.emplace_back(shard.folder, FolderLock::Use::read);
  auto folder = options.resume ? RunFolder::resume(options.run) : RunFolder::create(options.run);
  UndoUnlessKept undo(folder);
  const SaveAtHardStop nothing_yet([&] {
    folder.undo();
    return std::string("stopped");
  });
  const auto& settings = shards[0].record.settings;
  const auto files = filesOfShards(shards[0].record, options);
  Session session(manyDevicesOptions(files));
  checkSettings(session, settings);
  const auto provenance = provenanceOf(session, files.threads);
  const auto identity = identityOf(settings, provenance);
  checkIdentity(shards[0], identity);

  if (std::filesystem::exists(folder.path() / "run.json")) {
    const auto earlier = readRun(folder.path());
    if (identityOf(earlier.settings, earlier.provenance) != identity || (!earlier.complete && missing.empty()))
      throw Error(Fault::output, folder.path().string() + ": holds a finished run of other parts; choose another -o");
    removeCheckpoint(folder.path());  // of a merge that was killed in its last moment
    context.log("the run is finished already; nothing was merged");
    reportRun(context, earlier, folder.path());
    return 0;
  }
  if (isShard(folder.path()))
    throw Error(Fault::output, folder.path().string() + ": holds a part of a ranking; choose another -o");
  const auto columns = checkpointColumns(settings);
  Checkpoint checkpoint(folder.path(), identity, columns);
  for (const auto& shard : shards) checkpoint.take(Checkpoint(shard.folder, identity, columns));
  context.log("merge   " + counted(shards.size(), "part") + ": " + counted(checkpoint.weights(), "measured weight"));
  const auto resume_command = resumeCommand(context, {}, options.resume);
  const SaveAtHardStop save([&] {
    checkpoint.rescue(kSavingTime);
    return std::string(stoppedError(checkpoint, folder.path(), resume_command).what());
  });
  const auto ranked = [&] {
    try {
      return rankMerged(session, settings, provenance, checkpoint, !missing.empty(), context);
    } catch (const Error& error) {
      if (error.fault() != Fault::interrupted) throw;  // the parts hold what was measured
      keepMeasured(checkpoint, undo);                  // beside what was executed here
      throw stoppedError(checkpoint, folder.path(), resume_command);
    }
  };
  auto run = ranked();
  addShards(shards, run);
  if (!missing.empty()) run.notes.push_back("merged without these parts of the ranking: " + joined(missing));
  run.feature_names = shards[0].record.feature_names;
  writeSealedJson(folder.path() / "shards.json", shardsJson(shards));
  writeRun(run, findingsOf(run), folder.path());
  undo.keep();
  checkpoint.remove();
  for (auto i = session.notes().size(); i < run.notes.size(); ++i) context.warn(run.notes[i]);
  reportRun(context, run, folder.path());
  return 0;
}

}  // namespace

Action addMerge(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("merge", "Join the parts that heft rank --shard measured into one run");
  command->footer(kFooter);
  command->add_option("DIR", options->shards, "Folders of the parts, in any order")->required()->type_name("DIR...");
  command->add_option("-o,--output", options->run, "Run folder to write")->required()->type_name("RUN");
  command->add_flag("--allow-partial", options->allow_partial,
                    "Make a run of the parts there are; it says what is missing");
  command->add_flag("--resume", options->resume, "Go on with a merge into RUN that was killed");
  addRunFiles(*command, options->files);
  command->add_option(
      "--device", options->device,
      "cpu, cuda, cuda:N or several (cuda:0,cuda:1; cuda:all); left out: where the first part was measured");
  return [options](const Context& context) { return merge(*options, context); };
}

}  // namespace heft::cli
