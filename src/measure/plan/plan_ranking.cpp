#include "measure/plan/plan_ranking.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "analysis/settle.hpp"
#include "data/memory.hpp"
#include "data/scratch_folder.hpp"
#include "data/seconds_since.hpp"
#include "engine/forward/weight_functions.hpp"
#include "measure/estimate/readings.hpp"
#include "measure/plan/plan_parts.hpp"
#include "measure/rank/execute_all.hpp"
#include "measure/rank/joint.hpp"
#include "measure/rank/rank.hpp"
#include "measure/rank/ranking_executor.hpp"
#include "measure/session/record_sites.hpp"

namespace heft {
namespace {

// Of ranking and writing a run, a weight: rank took 3 s more than its stages for 3.3 million weights, and held 2.1 GB for 13.7
// million (bench/RESULTS.md).
constexpr double kFinishSeconds = 1e-6;
constexpr double kEndSeconds =
    0.15;  // of a run's files, however small, and until LibTorch has given back what it holds
constexpr double kBytes = 120;

/// Floating-point operations of the products of one variant of each parameter: its own layer's recurrence, and all that comes
/// later. What Heft saves further (steps before the change, samples that it doesn't reach) is not taken off.
std::vector<double> variantFlop(Session& session) {
  const auto recording = recordSites(session);
  const auto& structure = session.structure();
  struct Cost {
    double all = 0, own = 0;  ///< own: what a change inside sets off in the site itself
  };
  std::vector<Cost> costs;
  const auto sites = recording.handler->sites();
  for (const auto* site : sites) {
    const double readings = readingsOf(*site);
    Cost cost;
    for (const auto& use : site->uses()) {
      const auto behind = parametersBehind(session.model(), use.parameter);
      if (behind.empty()) continue;
      const auto& info = structure.parameters[static_cast<std::size_t>(behind[0])];
      if (info.site == "embedding") continue;  // read, not multiplied
      const double flop = 2 * readings * static_cast<double>(info.weights());
      cost.all += flop;
      if (info.role == "weight_hh" || info.role == "weight_hr") cost.own += flop;
    }
    costs.push_back(cost);
  }
  std::vector<double> flop(structure.parameters.size(), 0.0);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    double reached = costs[s].own;
    for (std::size_t later = s + 1; later < sites.size(); ++later) reached += costs[later].all;
    for (const auto& use : sites[s]->uses()) {
      for (const auto parameter : parametersBehind(session.model(), use.parameter)) {
        auto& most = flop[static_cast<std::size_t>(parameter)];
        most = std::max(most, reached);
      }
    }
  }
  return flop;
}

/// How many variants the method executes, about: of auto and response a random sample, and of auto the top and as many again
/// for its audits, and what has no estimate.
double executedVariants(const Plan& plan, std::size_t parameters, const AutoCosts& costs) {
  const auto& settings = plan.settings;
  const auto all = static_cast<double>(plan.weights);
  const auto most = settings.budget_variants > 0 ? static_cast<double>(settings.budget_variants) : all;
  if (plan.whole) return std::min(all, most);
  const bool automatic = settings.method == Method::automatic;
  const auto draws =
      static_cast<double>(defaultCalibrationDraws(parameters, plan.weights - plan.without, settings.alpha));
  const double top = automatic ? 2.0 * static_cast<double>(settings.top) : 0.0;
  const double without = std::min(static_cast<double>(plan.without),
                                  automatic ? static_cast<double>(costs.most()) : static_cast<double>(draws));
  return std::min({all, most, std::min(all - static_cast<double>(plan.without), draws + top) + without});
}

/// The selected weights of parameters whose estimates say nothing, though they move the output.
std::size_t weightsWithout(const EstimateTimes& times, const SelectedWeights& selected, Measurer& measurer) {
  std::size_t weights = 0;
  for (std::size_t p = 0; p < times.silent.size(); ++p) {
    const auto& places = selected.places()[p];
    if (times.silent[p] != 0 && !places.empty() && measurer.moves(static_cast<std::int64_t>(p), places))
      weights += places.size();
  }
  return weights;
}

/// From the part of the inputs that was run to all of them.
void scaleUp(Plan& plan, const PlanScale& scale) {
  plan.cut = scale.cut;
  if (scale.run_seconds > 0) plan.run = scale.run_seconds;
  for (auto* seconds : {&plan.adjoint, &plan.response, &plan.prepare, &plan.execute}) *seconds *= scale.times();
  plan.flop *= scale.cut.times();
  plan.memory *= scale.cut.times();
  for (auto& one : plan.parameters) {
    one.flop *= scale.cut.times();
    one.variant_seconds *= scale.times();
    one.seconds *= scale.times();
  }
}

/// Estimates some rows, and notes what all of them will take.
void planEstimates(Plan& plan, Session& session, Measurer& measurer, const SelectedWeights& selected,
                   const Selection& selection, const PlanScale& scale, double seconds, const StageProgress& progress) {
  ResponseOptions options;
  options.metrics = plan.settings.metrics;
  options.seed = plan.settings.seed;
  options.selection = &selection;
  // So that outputs are taken one by one, or by as many probes, as with all of the inputs.
  options.exact_flop /= scale.cut.times();
  options.probe_flop /= scale.cut.times();
  options.memory = static_cast<int64_t>(static_cast<double>(options.memory) / scale.cut.times());
  const auto times = timeEstimates(
      session,
      [&](int64_t parameter, int64_t flat, double weight) { return measurer.newValue(parameter, flat, weight); },
      options, seconds, progress);
  plan.adjoints = times.adjoints;
  plan.adjoint = times.adjoint_seconds;
  plan.response = times.response_seconds;
  plan.memory = times.bytes;
  plan.without = weightsWithout(times, selected, measurer);
}

/// How the variants fall to the parameters, and what executing those of each takes; all of them but components'.
void planVariants(Plan& plan, const Structure& structure, const SelectedWeights& selected,
                  const std::vector<double>& flop, const ExecutingTimes& times, const AutoCosts& costs,
                  std::size_t together) {
  const bool ranks_weights = ranksWeights(plan.settings);
  std::size_t parameters = 0;
  for (const auto& places : selected.places()) parameters += places.empty() ? 0 : 1;
  const double wanted = ranks_weights ? executedVariants(plan, parameters, costs) : 0;
  for (std::size_t p = 0; p < selected.places().size(); ++p) {
    PlannedParameter one;
    one.name = structure.parameters[p].name;
    one.weights = selected.places()[p].size();
    if (one.weights == 0) continue;
    one.flop = flop[p];
    // A budget cuts the exhaustive method off in the model's order; samples come from all over.
    one.variants = !plan.whole ? wanted * static_cast<double>(one.weights) / static_cast<double>(plan.weights)
                               : std::clamp(wanted - plan.variants, 0.0, static_cast<double>(one.weights));
    if (ranks_weights) {
      const auto& line = times.by_parameter[p];
      const auto block = static_cast<double>(std::min(together, one.weights));
      one.variant_seconds = line.of(block) / block;
      one.seconds = std::floor(one.variants / block) * line.of(block) + line.of(std::fmod(one.variants, block));
    }
    plan.variants += one.variants;
    plan.execute += one.seconds;
    plan.flop += one.variants * one.flop;
    plan.parameters.push_back(std::move(one));
  }
}

}  // namespace

Plan planRanking(Session& session, const RankSettings& settings, double seconds, const PlanScale& scale,
                 const StageProgress& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const double loaded = takenMemory();
  checkSettings(session, settings);
  const auto selection = select(session.structure(), settings.parameters);
  const SelectedWeights selected(session.structure(), selection);
  const ScratchFolder scratch;
  Checkpoint nothing(scratch.path(), {}, checkpointColumns(settings));
  Measurer measurer(session, settings, rankingExecutor(session, settings), nothing);

  Plan plan;
  plan.settings = settings;
  plan.weights = selected.size();
  plan.components = componentsOf(session.structure(), settings, selection).size();
  const bool ranks_weights = ranksWeights(settings);
  AutoCosts costs;
  if (ranks_weights) {
    measurer.prepareOn(executorProbes(measurer, selected));
    const auto before = std::chrono::steady_clock::now();
    measurer.prepare();
    plan.prepare = secondsSince(before);
    if (settings.method == Method::automatic) costs = autoCosts(session, settings, selected, measurer);
  }
  plan.whole = executesEverything(settings, selected, costs);
  const bool estimates = !plan.whole;
  if (ranks_weights && estimates) {
    planEstimates(plan, session, measurer, selected, selection, scale, seconds / 2, progress);
  }
  const auto flop = variantFlop(session);
  ExecutingTimes times;
  if (ranks_weights) {
    times = timeExecuting(measurer, selected, estimates ? seconds / 2 : seconds, progress);
    plan.prepare += times.prepare;
  }
  planVariants(plan, session.structure(), selected, flop, times, costs, measurer.block());
  // Components are executed one by one; each costs what the unchanged model does, about.
  plan.execute += static_cast<double>(plan.components) * session.runSeconds();
  plan.run = session.runSeconds();
  scaleUp(plan, scale);
  plan.finish = kEndSeconds + kFinishSeconds * static_cast<double>(plan.weights);
  plan.memory += loaded + (takenMemory() - loaded) * scale.cut.times() + kBytes * static_cast<double>(plan.weights);
  plan.calibration = secondsSince(begin);
  return plan;
}

}  // namespace heft
