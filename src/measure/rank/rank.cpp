#include "measure/rank/rank.hpp"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "data/hash.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/rank/group_metrics.hpp"
#include "measure/rank/joint.hpp"
#include "measure/rank/ranking_executor.hpp"
#include "measure/rank/shard_work.hpp"
#include "model/weight_label.hpp"

namespace heft {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

template <class List, class Text>
std::string joined(const List& list, const Text& text) {
  std::string all;
  for (const auto& one : list) all += (all.empty() ? "" : ",") + std::string(text(one));
  return all;
}

std::string labelsHash(const std::vector<std::string>& labels) {
  if (labels.empty()) return "";
  Sha256 hash;
  for (const auto& one : labels) hash.update(std::to_string(one.size()) + " " + one + "\n");
  return " " + hash.hex();
}

/// The run before anything is measured: selected weights have impact 0 in the interval [0, infinity), all others none.
Run emptyRun(const Session& session, const RankSettings& settings, const Provenance& provenance,
             const Measurer& measurer, const SelectedWeights& selected) {
  Run run;
  run.settings = settings;
  run.provenance = provenance;
  run.structure = session.structure();
  run.output = outputFacts(session);
  run.notes = session.notes();
  for (std::size_t p = 0; p < run.structure.parameters.size(); ++p) {
    const auto weights = static_cast<std::size_t>(run.structure.parameters[p].weights());
    ParameterImpacts impacts;
    const auto values = measurer.values(p);
    impacts.weight.assign(values.begin(), values.end());
    for (auto* list : {&impacts.impact, &impacts.standard_error, &impacts.lower, &impacts.upper})
      list->assign(weights, kNone);
    impacts.measured.assign(weights, 0);
    for (std::size_t m = 1; m < settings.metrics.size(); ++m)
      impacts.other[std::string(name(settings.metrics[m]))].assign(weights, kNone);
    run.impacts.push_back(std::move(impacts));
    for (const auto place : selected.places()[p]) {
      run.impacts[p].lower[static_cast<std::size_t>(place)] = 0;
      run.impacts[p].upper[static_cast<std::size_t>(place)] = std::numeric_limits<float>::infinity();
    }
  }
  return run;
}

/// What a ranking works with, from its settings.
struct Ranking {
  Ranking(Session& session, const RankSettings& settings, const Provenance& provenance, Checkpoint& checkpoint,
          const StageProgress& progress, bool known_only)
      : selection((checkSettings(session, settings), select(session.structure(), settings.parameters))),
        selected(session.structure(), selection),
        components(componentsOf(session.structure(), settings, selection)),
        measurer(session, settings, rankingExecutor(session, settings), checkpoint),
        run(emptyRun(session, settings, provenance, measurer, selected)),
        task{session, settings, selected, selection, measurer, checkpoint, progress, known_only} {
    checkTable();
    if (ranksWeights(settings)) measurer.prepareOn(executorProbes(measurer, selected));
  }

  /// Throws Error(Fault::usage) where components x groups would fill the memory.
  void checkTable() const {
    constexpr std::size_t kMost = 50'000'000;
    const std::size_t groups = measurer.groups().size(), numbers = components.size() * groups;
    if (2 * numbers * task.settings.metrics.size() <= kMost) return;
    throw Error(Fault::usage, settingName("by") + ": " + std::to_string(components.size()) + " components on " +
                                  std::to_string(groups) + " groups are too many numbers; choose fewer of them with " +
                                  settingName("components") +
                                  " or "
                                  "" +
                                  settingName("parameters") + ", or of the outputs with " +
                                  settingName("output-target"));
  }

  /// Says which weights have no impact that is a number.
  void noteDestroyers() {
    std::size_t count = 0;
    std::string first;
    for (std::size_t p = 0; p < run.impacts.size(); ++p) {
      for (std::size_t i = 0; i < run.impacts[p].impact.size(); ++i) {
        if (run.impacts[p].measured[i] == 0 || !std::isnan(run.impacts[p].impact[i])) continue;
        if (count++ == 0) first = weightLabel(run.structure.parameters[p], static_cast<std::int64_t>(i));
      }
    }
    if (count == 0) return;
    run.notes.push_back("the output is no number once " + first +
                        (count == 1 ? " is" : " or one of " + std::to_string(count - 1) + " other weights is") +
                        " changed, so there is no impact to rank");
  }

  /// The run with its notes and cost.
  Run finish() {
    noteDestroyers();
    const auto notes = measurer.notes();
    run.notes.insert(run.notes.end(), notes.begin(), notes.end());
    run.notes.insert(run.notes.end(), task.checkpoint.notes().begin(), task.checkpoint.notes().end());
    run.cost.execute_seconds = measurer.seconds();
    run.cost.variants = measurer.executed();
    run.cost.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::move(run);
  }

  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  Selection selection;
  SelectedWeights selected;
  std::vector<Component> components;
  Measurer measurer;
  Run run;
  MethodTask task;
};

}  // namespace

Checkpoint::Identity identityOf(const RankSettings& settings, const Provenance& provenance) {
  Checkpoint::Identity identity{
      {"model", provenance.model_sha256},
      {"inputs", provenance.inputs_sha256},
      {"targets", provenance.targets_sha256},
      {"Heft's version", provenance.heft_version},
      {"LibTorch's version", provenance.libtorch_version},
      {"device", provenance.device.substr(0, provenance.device.find(':'))},
      {"--method", std::string(name(settings.method))},
      {"--metric", joined(settings.metrics, [](Metric one) { return name(one); })},
      {"--perturb", settings.perturbation.text()},
      {"--components", joined(settings.levels, [](Level one) { return name(one); })},
      {"--parameters", joined(settings.parameters, [](const std::string& one) { return one; })},
      {"--output-target", settings.output_target},
      {"--top", std::to_string(settings.top)},
      {"--alpha", std::to_string(settings.alpha)},
      {"--miss", std::to_string(settings.miss)},
      {"--budget", std::to_string(settings.budget_variants) + "," + std::to_string(settings.budget_seconds)},
      {"--seed", std::to_string(settings.seed)},
      {"--precision", std::string(name(settings.precision))},
      {"--stream", settings.stream ? "yes" : "no"},
  };
  // Runs of earlier versions know none of these.
  if (!settings.carry.empty()) identity["--carry"] = joined(settings.carry, [](const std::string& one) { return one; });
  if (settings.draws != 1) identity["--draws"] = std::to_string(settings.draws);
  if (!settings.dims.empty())
    identity["--dims"] = joined(settings.dims, [](const std::string& one) { return one + ";"; });
  // Left out without, so that what was begun before there were groups goes on.
  if (settings.by != GroupBy::none) identity["--by"] = std::string(name(settings.by)) + labelsHash(settings.labels);
  return identity;
}

std::size_t checkpointColumns(const RankSettings& settings) { return 2 * settings.metrics.size(); }

OutputFacts outputFacts(const Session& session) {
  OutputFacts facts;
  facts.shape = session.layout().describe();
  facts.samples = session.batch().samples;
  facts.elements = session.layout().elements();
  for (const auto& part : session.layout().parts())
    facts.tensors.push_back({part.path, part.shape, part.dims.roles, OutputLayout::scoredShape(part)});
  facts.rms = session.outputRms();
  facts.noise = session.noise();
  facts.samples_interact = session.batch().interact;
  return facts;
}

void checkSettings(const Session& session, const RankSettings& settings) {
  const auto refuse = [](const std::string& text) { throw Error(Fault::usage, text); };
  if (settings.metrics.empty())
    refuse(settingName("metric") + ": no metric given; " + alternatives(metricNames()) + " was expected");
  if (settings.levels.empty())
    refuse(settingName("components") +
           ": no level given; weight, row, column, unit, gate, matrix or layer was expected");
  if (settings.precision == Precision::as_model && !executesAll(settings.method))
    refuse(settingName("precision") + " as-model: estimates are made in float64, so weights are executed: add " +
           settingName("method") + " exhaustive");
  if (settings.top < 1) refuse(settingName("top") + " " + std::to_string(settings.top) + ": at least 1 was expected");
  if (!(settings.alpha > 0 && settings.alpha < 1))
    refuse(settingName("alpha") + " " + std::to_string(settings.alpha) + ": a number between 0 and 1 was expected");
  if (!(settings.miss >= 0 && settings.miss < 1))
    refuse(settingName("miss") + " " + std::to_string(settings.miss) + ": a number from 0 to below 1 was expected");
  requireMetrics(session, settings.metrics);
  if (settings.by == GroupBy::none) return;
  if (!ranksComponents(settings))
    refuse(settingName("by") + ": impacts of components are split, not those of single weights; add " +
           settingName("components") +
           " unit (or row, column, "
           "gate, matrix, layer)");
  const GroupMetrics groups(session, settings);
}

Run rankWeights(Session& session, const RankSettings& settings, const Provenance& provenance, Checkpoint& checkpoint,
                const StageProgress& progress, bool known_only) {
  const at::NoGradGuard no_grad;
  Ranking ranking(session, settings, provenance, checkpoint, progress, known_only);
  if (ranksWeights(settings)) {
    switch (settings.method) {
      case Method::reference:
      case Method::exhaustive:
        measureExhaustive(ranking.task, ranking.run);
        break;
      case Method::response:
        measureResponse(ranking.task, ranking.run);
        break;
      case Method::automatic:
        measureAuto(ranking.task, ranking.run);
        break;
    }
  }
  measureJointly(ranking.task, ranking.components, ranking.run);
  return ranking.finish();
}

Run measureShard(Session& session, const RankSettings& settings, const Provenance& provenance, const Shard& shard,
                 Checkpoint& checkpoint, const StageProgress& progress) {
  const at::NoGradGuard no_grad;
  if (settings.budget_seconds > 0)
    throw Error(Fault::usage,
                settingName("budget") + ": a time can't be divided among shards; give a number of variants");
  Ranking ranking(session, settings, provenance, checkpoint, progress, false);
  if (ranksWeights(settings)) {
    const auto work = shardWork(ranking.task, shard, ranking.run);
    checkpoint.flush();
    ranking.measurer.weights(work, [&](std::size_t done, std::size_t of) {
      progress("executing", static_cast<double>(done) / static_cast<double>(of));
    });
  }
  measureJointlyInShard(ranking.task, ranking.components, shard);
  checkpoint.flush();
  return ranking.finish();
}

}  // namespace heft
