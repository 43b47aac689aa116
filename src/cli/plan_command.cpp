#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/plan_text.hpp"
#include "cli/progress.hpp"
#include "cli/rank_options.hpp"
#include "cli/signals.hpp"
#include "data/process_age.hpp"
#include "heft/error.hpp"
#include "measure/plan_ranking.hpp"
#include "run/json_text.hpp"
#include "run/shard.hpp"

namespace heft::cli {
namespace {

struct Options {
  RankOptions rank;
  std::int64_t shards = 0;
  double seconds = 2;
};

constexpr auto kFooter = R"(Nothing is written. All options of heft rank that change what it costs are known here.

Examples:
  heft plan model.pt --inputs inputs.pt
  heft plan model.pt --inputs x.npy --method exhaustive --shards 20
  heft plan model.pt --inputs x.pt --top 1000 --json)";

int plan(const Options& options, const Context& context) {
  const auto settings = readSettings(options.rank);
  if (options.shards < 0 || options.shards > Shard::most)
    throw Error(Fault::usage, "--shards " + std::to_string(options.shards) + ": 1 to " + std::to_string(Shard::most) +
                                  " was expected");
  if (!(options.seconds > 0 && options.seconds <= 3600))
    throw Error(Fault::usage, "--seconds: a time above 0 and up to 3600 was expected");
  Session session(sessionOptions(options.rank.model));
  const double start = processAge();  // a ranking starts the same way
  for (const auto& note : session.notes()) context.warn(note);
  Progress progress(context.progress);
  const auto found =
      planRanking(session, settings, start, options.seconds, [&](const std::string& stage, double share) {
        progress.update(stage, share);
        stopIfAsked();
      });
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
  addRankOptions(*command, options->rank);
  command->add_option("--shards", options->shards, "Parts to divide it into; left out: parts of half an hour");
  command->add_option("--seconds", options->seconds, "To measure for, about")->capture_default_str();
  return [options](const Context& context) { return plan(*options, context); };
}

}  // namespace heft::cli
