#include <algorithm>
#include <chrono>
#include <cmath>

#include "analysis/settle.hpp"
#include "measure/rank/estimated.hpp"
#include "measure/rank/method.hpp"

namespace heft {
namespace {

/// How many variants fit into the time that is left; measured on a few, and kept, so that a resumed run goes on alike.
std::size_t variantsWithin(const MethodTask& task, double seconds) {
  if (const auto kept = task.checkpoint.list("variants within the time")) return static_cast<std::size_t>(kept->at(0));
  constexpr std::size_t kTrial = 16;
  std::vector<std::uint64_t> flat;
  const auto count = std::min(kTrial, task.selected.size());
  for (std::size_t i = 0; i < count; ++i) flat.push_back(task.selected.flat(i * task.selected.size() / count));
  const auto begin = std::chrono::steady_clock::now();
  task.measurer.weights(flat, [](std::size_t, std::size_t) {});
  const double each =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / static_cast<double>(count);
  const double variants = std::max(1.0, seconds / std::max(each, 1e-6));
  task.checkpoint.addList("variants within the time", std::span<const double>(&variants, 1));
  return static_cast<std::size_t>(variants);
}

std::string stageName(std::string_view purpose) {
  if (purpose == "calibration") return "calibrating";
  if (purpose == "wide") return "executing what estimates tell least of";
  return purpose == "audit" ? "auditing" : "executing the top";
}

/// The k-th largest impact of what was measured; 0 where fewer were.
double thresholdOf(const Run& run, std::size_t k) {
  std::vector<float> impacts;
  for (const auto& one : run.impacts) {
    for (std::size_t i = 0; i < one.impact.size(); ++i) {
      if (one.measured[i] != 0)
        impacts.push_back(std::isnan(one.impact[i]) ? static_cast<float>(kBeyondNumbers) : one.impact[i]);
    }
  }
  if (k == 0 || impacts.size() < k) return 0;
  const auto last = impacts.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(impacts.begin(), last, impacts.end(), std::greater<>());
  return static_cast<double>(*last);
}

void executeAll(const MethodTask& task, Run& run) {
  // Whatever parts of the ranking are missing, the rest is executed here.
  const MethodTask all{task.session,  task.settings,   task.selected, task.selection,
                       task.measurer, task.checkpoint, task.progress, false};
  measureExhaustive(all, run);
  run.settled = SettledFacts{task.settings.top,
                             true,
                             0,
                             SettleOptions().confidence,
                             thresholdOf(run, static_cast<std::size_t>(task.settings.top)),
                             task.selected.size(),
                             0,
                             ""};
}

/// Weights of which nothing is known may all belong to the top.
void addUnknown(std::size_t unknown, SettledFacts& facts) {
  if (unknown == 0) return;
  facts.settled = false;
  facts.missing = static_cast<double>(facts.k);
  facts.why = std::to_string(unknown) + (unknown == 1 ? " weight has" : " weights have") +
              " no estimate and could not be executed as well" + (facts.why.empty() ? "" : "; " + facts.why);
}

}  // namespace

void measureAuto(const MethodTask& task, Run& run) {
  const auto begin = std::chrono::steady_clock::now();
  const auto costs = autoCosts(task.session, task.settings, task.selected, task.measurer);
  if (executesEverything(task.settings, task.selected, costs)) {
    executeAll(task, run);
    return;
  }
  const auto estimated = estimateSelected(task, run);
  const Estimates estimates(estimated.spans());
  const auto numbers = estimated.selected();
  auto budget = static_cast<std::size_t>(task.settings.budget_variants);
  if (task.settings.budget_seconds > 0) {
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto fit = variantsWithin(task, task.settings.budget_seconds - spent);
    budget = budget == 0 ? fit : std::min(budget, fit);
  }
  auto work = autoWork(task, estimated, costs, budget);
  work.settle.others = executeWithout(task, estimated, work.without, run);
  const auto measure = [&](std::span<const std::size_t> some, std::string_view purpose) {
    std::vector<std::uint64_t> flat;
    for (const auto one : some) flat.push_back(task.selected.flat(numbers[one]));
    const auto measured = task.measurer.weights(flat, [&](std::size_t done, std::size_t of) {
      task.progress(stageName(purpose), static_cast<double>(done) / static_cast<double>(of));
    });
    std::vector<double> impacts;
    for (std::size_t i = 0; i < flat.size(); ++i) {
      impacts.push_back(forDecisions(measured[i].value[0]));
      storeMeasured(task.settings, task.measurer.flatWeights().place(flat[i]), measured[i], run);
    }
    return impacts;
  };
  const auto result = settle(estimates, work.settle, measure);
  storeIntervals(task, estimated, result.strata, result.intervals, run);
  run.calibration = calibrationFacts(task, result.calibration);
  run.settled = SettledFacts{task.settings.top,      result.settled,   result.missing,
                             work.settle.confidence, result.threshold, result.executed + work.without.size(),
                             result.audited,         result.why};
  addUnknown(work.unknown, *run.settled);
}

}  // namespace heft
