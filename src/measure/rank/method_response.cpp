#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "analysis/settle.hpp"
#include "heft/error.hpp"
#include "measure/rank/estimated.hpp"
#include "measure/rank/method.hpp"

namespace heft {

std::vector<std::vector<std::size_t>> calibrationSample(const RankSettings& settings, const Estimates& estimates,
                                                        const Strata& strata) {
  auto draws = defaultCalibrationDraws(estimates, settings.alpha);
  if (settings.budget_variants > 0) {
    // As settle() draws them.
    const auto budget = static_cast<std::size_t>(settings.budget_variants);
    draws = std::min(draws, settings.method == Method::automatic && budget < estimates.size() ? budget / 2 : budget);
  }
  return drawStratified(estimates, strata, draws, settings.seed,
                        settings.budget_variants > 0 ? 0 : zeroDraws(settings.alpha));
}

std::vector<std::size_t> sampleWithout(const MethodTask& task, const Estimated& estimated) {
  auto all = estimated.selectedWithout();
  auto draws = defaultCalibrationDraws(1, all.size(), task.settings.alpha);
  if (task.settings.budget_variants > 0)
    draws = std::min(draws, static_cast<std::size_t>(task.settings.budget_variants));
  return someOf(std::move(all), draws, task.settings.seed);
}

void measureResponse(const MethodTask& task, Run& run) {
  const auto estimated = estimateSelected(task, run);
  const Estimates estimates(estimated.spans());
  const auto numbers = estimated.selected();
  executeWithout(task, estimated, sampleWithout(task, estimated), run);
  const Strata strata(estimates);
  std::vector<std::uint64_t> flat;
  std::vector<CalibrationPair> pairs;
  const auto drawn = calibrationSample(task.settings, estimates, strata);
  for (std::size_t stratum = 0; stratum < drawn.size(); ++stratum) {
    for (const auto one : drawn[stratum]) {
      flat.push_back(task.selected.flat(numbers[one]));
      pairs.push_back({stratum, estimates.at(one), 0});
    }
  }
  const auto measured = task.measurer.weights(flat, [&](std::size_t done, std::size_t of) {
    task.progress("calibrating", static_cast<double>(done) / static_cast<double>(of));
  });
  for (std::size_t i = 0; i < flat.size(); ++i) {
    pairs[i].measured = forDecisions(measured[i].value[0]);
    storeMeasured(task.settings, task.measurer.flatWeights().place(flat[i]), measured[i], run);
  }
  const Conformal intervals(pairs, strata.populations(), task.settings.alpha);
  storeIntervals(task, estimated, strata, intervals, run);
  run.calibration = calibrationFacts(task, pairs);
}

}  // namespace heft
