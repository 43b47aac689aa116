#include <algorithm>
#include <chrono>

#include "measure/method.hpp"

namespace heft {

void storeMeasured(const RankSettings& settings, FlatWeights::Place place, const Measured& measured, Run& run) {
  auto& impacts = run.impacts[static_cast<std::size_t>(place.parameter)];
  const auto i = static_cast<std::size_t>(place.index);
  const auto value = static_cast<float>(measured.value[0]);
  impacts.impact[i] = impacts.lower[i] = impacts.upper[i] = value;
  impacts.standard_error[i] = static_cast<float>(measured.standard_error[0]);
  impacts.measured[i] = 1;
  for (std::size_t m = 1; m < settings.metrics.size(); ++m) {
    impacts.other[std::string(name(settings.metrics[m]))][i] = static_cast<float>(measured.value[m]);
  }
}

void measureExhaustive(const MethodTask& task, Run& run) {
  const auto& settings = task.settings;
  std::size_t wanted = task.selected.size();
  if (settings.budget_variants > 0) wanted = std::min(wanted, static_cast<std::size_t>(settings.budget_variants));
  const auto begin = std::chrono::steady_clock::now();
  const auto spent = [&] {
    return settings.budget_seconds > 0 &&
           std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > settings.budget_seconds;
  };
  // A piece at a time, so that what is measured never lies in memory twice.
  constexpr std::size_t kPiece = 4096;
  std::size_t done = 0;
  for (; done < wanted && !spent(); done += std::min(kPiece, wanted - done)) {
    std::vector<std::uint64_t> flat(std::min(kPiece, wanted - done));
    for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = task.selected.flat(done + i);
    const auto measured = task.measurer.weights(flat, [&](std::size_t now, std::size_t) {
      task.progress("executing", static_cast<double>(done + now) / static_cast<double>(wanted));
    });
    for (std::size_t i = 0; i < flat.size(); ++i)
      storeMeasured(settings, task.measurer.flatWeights().place(flat[i]), measured[i], run);
  }
  if (done < task.selected.size()) {
    run.complete = false;
    run.notes.push_back("the budget was spent after " + std::to_string(done) + " of " +
                        std::to_string(task.selected.size()) +
                        " weights, in the model's order; the others were not measured");
  }
}

}  // namespace heft
