#include <optional>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/rank_options.hpp"
#include "cli/ranked.hpp"
#include "cli/shard_options.hpp"
#include "data/name_list.hpp"
#include "data/words.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/options.hpp"
#include "job/rank_job.hpp"
#include "job/shard_job.hpp"
#include "measure/rank/joint.hpp"

namespace heft::cli {
namespace {

struct Options {
  RankOptions rank;
  RankTexts texts;
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

RunFolder folderOf(const Options& options) {
  if (options.run.empty()) return RunFolder::createFor(options.rank.model);
  return options.resume ? RunFolder::resume(options.run) : RunFolder::create(options.run);
}

int rankPart(RunFolder& folder, ShardJob job, const JobEvents& events, Progress& progress, const Context& context) {
  const auto done = measureShardIn(folder, job, events);
  progress.finish();
  if (done.before) context.log("this part is finished already; nothing was measured");
  for (auto i = done.told_notes; i < done.record.notes.size(); ++i) context.warn(done.record.notes[i]);
  reportShard(context, done.record, folder.path());
  return 0;
}

int rank(const Options& options, const Context& context) {
  auto ranking = withTexts(options.rank, options.texts);
  const auto settings = settingsOf(ranking);
  const auto feature_names = readNames(options.feature_names);
  if (options.resume && options.run.empty())
    throw Error(Fault::usage, "--resume needs the run folder to go on with: -o RUN");
  const auto shard = options.shard.any() ? std::optional(shardOf(options.shard, settings.method)) : std::nullopt;
  if (shard && options.run.empty())
    throw Error(Fault::usage, "--shard needs the folder to write the part into: -o DIR");
  const auto session = sessionOf(ranking);
  setThreads(ranking.threads);
  // Before the model is loaded, which may take long: what can't be written there is told at once.
  auto folder = folderOf(options);
  const auto go_on =
      resumeCommand(context, options.run.empty() ? folder.path() : std::filesystem::path(), options.resume);
  const RankJob job{settings, session, ranking.threads, feature_names, go_on};
  Progress progress(context.progress);
  auto events = eventsOf(context, progress);
  events.opened = [&](const Session& on, const Selection& selection) { logSession(context, on, settings, selection); };
  if (shard) return rankPart(folder, {job, *shard, options.shard.estimates}, events, progress, context);

  const auto ranked = rankIn(folder, job, events);
  progress.finish();
  if (ranked.before) context.log("the run is finished already; nothing was measured");
  reportRanked(context, ranked, folder.path());
  return 0;
}

}  // namespace

Action addRank(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("rank", "Rank weights by what they do to the output");
  command->footer(kFooter);
  addRankOptions(*command, options->rank, options->texts);
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
