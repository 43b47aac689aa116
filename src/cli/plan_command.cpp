#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/plan_text.hpp"
#include "cli/progress.hpp"
#include "cli/rank_options.hpp"
#include "data/process_age.hpp"
#include "data/stop.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/options.hpp"
#include "measure/plan/plan_ranking.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/shard.hpp"

namespace heft::cli {
namespace {

struct Options {
  RankOptions rank;
  RankTexts texts;
  std::int64_t shards = 0;
  double seconds = 2;
};

/// Seconds that a plan takes at most for what is no more than running the model, about; it is there within 15.
constexpr double kProbing = 3.5;

/// Runs of the model that finding out about it takes, about.
constexpr double kRunsOfSession = 14;

constexpr auto kFooter = R"(Nothing is written. All options of heft rank that change what it costs are known here.

Examples:
  heft plan model.pt --inputs inputs.pt
  heft plan model.pt --inputs x.npy --method exhaustive --shards 20
  heft plan model.pt --inputs x.pt --top 1000 --json)";

int plan(const Options& options, const Context& context) {
  const auto ranking = withTexts(options.rank, options.texts);
  const auto settings = settingsOf(ranking);
  if (options.shards < 0 || options.shards > Shard::most)
    throw Error(Fault::usage, "--shards " + std::to_string(options.shards) + ": 1 to " + std::to_string(Shard::most) +
                                  " was expected");
  if (!(options.seconds > 0 && options.seconds <= 3600))
    throw Error(Fault::usage, "--seconds: a time above 0 and up to 3600 was expected");
  const double begun = processAge();
  const auto device = readDevice(ranking.device);  // one: a list is refused before any is opened
  auto opened = sessionOf(ranking);
  opened.devices = {device};
  setThreads(ranking.threads);
  auto [session, scale] = sessionToPlan(opened, kProbing);
  // A ranking starts the same way, with all of the inputs.
  const double start =
      scale.cut.cuts() ? begun + scale.load_seconds + kRunsOfSession * scale.run_seconds : processAge() - scale.seconds;
  for (const auto& note : session->notes()) context.warn(note);
  Progress progress(context.progress);
  auto found = planRanking(*session, settings, options.seconds, scale, [&](const std::string& stage, double share) {
    progress.update(stage, share);
    stopIfAsked();
  });
  found.start = start;
  progress.finish();
  const auto jobs = jobsOf(found, options.shards);
  std::cout << (context.json ? jsonText(jsonOf(found, jobs)) + "\n" : textOf(found, jobs));
  return 0;
}

}  // namespace

Action addPlan(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("plan", "Say what a ranking will cost: time, memory, parts for a cluster");
  command->footer(kFooter);
  addRankOptions(*command, options->rank, options->texts);
  command->add_option("--shards", options->shards, "Parts to divide it into; left out: parts of half an hour");
  command->add_option("--seconds", options->seconds, "To measure for, about")->capture_default_str();
  return [options](const Context& context) { return plan(*options, context); };
}

}  // namespace heft::cli
