#include <algorithm>
#include <chrono>

#include "analysis/settle.hpp"
#include "measure/estimated.hpp"
#include "measure/method.hpp"

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
  return purpose == "audit" ? "auditing" : "executing the top";
}

}  // namespace

SettleOptions settleOptions(const RankSettings& settings) {
  SettleOptions options;
  options.k = static_cast<std::size_t>(settings.top);
  options.miss = settings.miss;
  options.alpha = settings.alpha;
  options.seed = settings.seed;
  options.budget = static_cast<std::size_t>(settings.budget_variants);
  return options;
}

void measureAuto(const MethodTask& task, Run& run) {
  const auto begin = std::chrono::steady_clock::now();
  const auto estimated = estimateSelected(task, run);
  const Estimates estimates(estimated.spans());
  auto options = settleOptions(task.settings);
  if (task.settings.budget_seconds > 0) {
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto fit = variantsWithin(task, task.settings.budget_seconds - spent);
    options.budget = options.budget == 0 ? fit : std::min(options.budget, fit);
  }
  const auto measure = [&](std::span<const std::size_t> selected, std::string_view purpose) {
    std::vector<std::uint64_t> flat;
    for (const auto one : selected) flat.push_back(task.selected.flat(one));
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
  const auto result = settle(estimates, options, measure);
  storeIntervals(task, estimated, result.strata, result.intervals, run);
  run.calibration = calibrationFacts(task, result.calibration);
  run.settled = SettledFacts{task.settings.top, result.settled,  result.missing, options.confidence,
                             result.threshold,  result.executed, result.audited, result.why};
}

}  // namespace heft
