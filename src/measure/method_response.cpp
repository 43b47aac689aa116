#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "analysis/settle.hpp"
#include "heft/error.hpp"
#include "measure/estimated.hpp"
#include "measure/method.hpp"

namespace heft {

std::vector<std::vector<std::size_t>> calibrationSample(const RankSettings& settings, const Estimates& estimates,
                                                        const Strata& strata) {
  auto draws = defaultCalibrationDraws(estimates, settings.alpha);
  if (settings.budget_variants > 0) draws = std::min(draws, static_cast<std::size_t>(settings.budget_variants));
  return drawStratified(estimates, strata, draws, settings.seed,
                        settings.budget_variants > 0 ? 0 : zeroDraws(settings.alpha));
}

void measureResponse(const MethodTask& task, Run& run) {
  const auto estimated = estimateSelected(task, run);
  const Estimates estimates(estimated.spans());
  const Strata strata(estimates);
  std::vector<std::uint64_t> flat;
  std::vector<CalibrationPair> pairs;
  const auto drawn = calibrationSample(task.settings, estimates, strata);
  for (std::size_t stratum = 0; stratum < drawn.size(); ++stratum) {
    for (const auto selected : drawn[stratum]) {
      flat.push_back(task.selected.flat(selected));
      pairs.push_back({stratum, estimates.at(selected), 0});
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
