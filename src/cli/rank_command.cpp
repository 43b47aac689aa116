#include <optional>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/rank_options.hpp"
#include "cli/ranked.hpp"
#include "cli/shard_run.hpp"
#include "cli/signals.hpp"
#include "compare/measures/input_features.hpp"
#include "data/name_list.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/rank/joint.hpp"
#include "measure/rank/rank.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"

namespace heft::cli {
namespace {

struct Options {
  RankOptions rank;
  std::string run, feature_names;
  bool resume = false;
  ShardOptions shard;
};

constexpr auto kFooter = R"(Examples:
  heft rank model.pt --inputs inputs.pt
  heft rank model.pt --inputs x.npy --method exhaustive --parameters 'rnn.weight_hh_l0[0:16,:]' -o my-run
  heft rank model.pt --inputs x.pt --targets y.pt --metric loss rms --top 100
  heft rank model.pt --inputs x.pt --components unit gate --by class
  heft rank policy.pt --inputs observations.npy --stream
  heft rank policy.pt --inputs x.npy h0.npy --stream --carry 1=h0
  heft rank model.pt --inputs inputs.pt --method exhaustive --device cuda:all
  heft rank model.pt --inputs inputs.pt --method exhaustive --shard 3/7 -o parts/3)";

void logSession(const Context& context, const Session& session, const RankSettings& settings,
                const Selection& selection) {
  const auto& structure = session.structure();
  int64_t weights = 0;
  for (const auto& info : structure.parameters) weights += info.weights();
  context.log("model   " + session.options().model.string() + ": " + grouped(static_cast<size_t>(weights)) +
              " weights in " + counted(structure.parameters.size(), "parameter") + "; " + describeModel(structure));
  if (!session.batch().interact) context.log("inputs  " + session.batch().note);  // else among the notes below
  context.log("output  " + session.layout().describeDims() + ", rms " + significant(session.outputRms()));
  for (const auto& note : session.notes()) context.warn(note);
  if (!ranksWeights(settings)) {
    const auto components = componentsOf(structure, settings, selection).size();
    return context.log("plan    " + counted(components, "component") +
                       ", each changed as a whole; one run of the model takes " +
                       significant(1000 * session.runSeconds(), 2) + " ms");
  }
  const auto selected = selection.weights();
  const double together = session.runSeconds() * static_cast<double>(selected);
  auto text = "plan    " + std::string(name(settings.method)) + ": " + grouped(static_cast<size_t>(selected)) +
              " weights; one run of the model takes " + shortTime(session.runSeconds()) +
              ", so each weight run alone would take " + (together < 1 ? "less than a second" : duration(together));
  context.log(text);
}

int rank(const Options& options, const Context& context) {
  const auto settings = readSettings(options.rank);
  const auto feature_names = readNames(options.feature_names);
  if (options.resume && options.run.empty())
    throw Error(Fault::usage, "--resume needs the run folder to go on with: -o RUN");
  const auto shard = options.shard.any() ? std::optional(shardOf(options.shard, settings.method)) : std::nullopt;
  if (shard && options.run.empty())
    throw Error(Fault::usage, "--shard needs the folder to write the part into: -o DIR");
  const auto session_options = manyDevicesOptions(rankedModel(options.rank, settings));
  // Before the model is loaded, which may take long: what can't be written there is told at once.
  auto folder = options.run.empty() ? RunFolder::createFor(options.rank.model.model)
                : options.resume    ? RunFolder::resume(options.run)
                                    : RunFolder::create(options.run);
  UndoUnlessKept undo(folder);
  const SaveAtHardStop nothing_yet([&] {
    folder.undo();
    return std::string("stopped");
  });
  const auto resume_command =
      resumeCommand(context, options.run.empty() ? folder.path() : std::filesystem::path(), options.resume);
  Session session(session_options);
  checkSettings(session, settings);
  checkFeatureNames(session, feature_names);
  const auto provenance = provenanceOf(session, options.rank.model.threads);
  const auto selection = select(session.structure(), settings.parameters);
  logSession(context, session, settings, selection);

  if (shard) {
    return runShard(session, settings, provenance,
                    {*shard, folder.path(), options.shard.estimates, feature_names, resume_command}, undo, context);
  }
  if (options.resume && std::filesystem::exists(folder.path() / "run.json")) {
    const auto earlier = readRun(folder.path());
    if (identityOf(earlier.settings, earlier.provenance) != identityOf(settings, provenance)) {
      throw Error(Fault::output,
                  folder.path().string() + ": holds a finished run with other settings; choose another folder with -o");
    }
    removeCheckpoint(folder.path());  // of a run that was killed in its last moment
    context.log("the run is finished already; nothing was measured");
    reportRun(context, earlier, folder.path());
    return 0;
  }
  if (isShard(folder.path())) {
    const auto found = readShard(folder.path()).shard;
    throw Error(Fault::output, folder.path().string() + ": holds a part of a ranking (" + found.text() +
                                   "); go on with that part, or choose another -o");
  }
  Checkpoint checkpoint(folder.path(), identityOf(settings, provenance), checkpointColumns(settings));
  const SaveAtHardStop save([&] {
    checkpoint.rescue(kSavingTime);
    return std::string(stoppedError(checkpoint, folder.path(), resume_command).what());
  });
  if (checkpoint.weights() > 0) context.log("resume  " + counted(checkpoint.weights(), "weight") + " measured before");
  Progress progress(context.progress);
  try {
    auto run = rankWeights(session, settings, provenance, checkpoint, [&](const std::string& stage, double share) {
      progress.update(stage, share);
      stopIfAsked();
    });
    progress.finish();
    run.feature_names = feature_names;
    checkpoint.flush();  // while there is room: the run's own files may fill the disk
    writeRun(run, findingsOf(run), folder.path());
    undo.keep();
    checkpoint.remove();
    for (size_t i = session.notes().size(); i < run.notes.size(); ++i) context.warn(run.notes[i]);
    reportRun(context, run, folder.path());
  } catch (const Error& error) {
    progress.stop();
    keepMeasured(checkpoint, undo);
    if (error.fault() != Fault::interrupted) {
      tellKept(context, checkpoint, resume_command);
      throw;
    }
    undo.keep();
    throw stoppedError(checkpoint, folder.path(), resume_command);
  } catch (...) {
    keepMeasured(checkpoint, undo);
    tellKept(context, checkpoint, resume_command);
    throw;
  }
  return 0;
}

}  // namespace

Action addRank(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("rank", "Rank weights by what they do to the output");
  command->footer(kFooter);
  addRankOptions(*command, options->rank);
  command->get_option("--device")->description("cpu, cuda, cuda:N, or several: cuda:0,cuda:1 or cuda:all");
  command->add_option("-o,--output", options->run, "Run folder to write; left out: heft-run-MODEL-N")->type_name("RUN");
  command
      ->add_option("--feature-names", options->feature_names,
                   "What the input's features are called, a name a line; heft compare and the report use them")
      ->type_name("FILE");
  command->add_flag("--resume", options->resume, "Go on with the run in the folder that -o names");
  addShardOptions(*command, options->shard);
  return [options](const Context& context) { return rank(*options, context); };
}

}  // namespace heft::cli
