#include <algorithm>
#include <chrono>

#include "measure/rank/method.hpp"

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

std::size_t exhaustiveWeights(const MethodTask& task) {
  const auto budget = static_cast<std::size_t>(task.settings.budget_variants);
  return budget > 0 ? std::min(task.selected.size(), budget) : task.selected.size();
}

void measureExhaustive(const MethodTask& task, Run& run) {
  const auto& settings = task.settings;
  const std::size_t wanted = exhaustiveWeights(task);
  const auto begin = std::chrono::steady_clock::now();
  const auto spent = [&] {
    return settings.budget_seconds > 0 &&
           std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > settings.budget_seconds;
  };
  // A piece at a time, so that what is measured never lies in memory twice.
  constexpr std::size_t kPiece = 4096;
  std::size_t done = 0, unknown = 0;
  for (std::size_t piece = 0; done < wanted && !spent(); done += piece) {
    piece = std::min(kPiece, wanted - done);
    std::vector<std::uint64_t> flat(piece);
    for (std::size_t i = 0; i < flat.size(); ++i) flat[i] = task.selected.flat(done + i);
    if (task.known_only) unknown += std::erase_if(flat, [&](std::uint64_t one) { return !task.checkpoint.has(one); });
    const auto measured = task.measurer.weights(flat, [&](std::size_t now, std::size_t) {
      task.progress("executing", static_cast<double>(done + now) / static_cast<double>(wanted));
    });
    for (std::size_t i = 0; i < flat.size(); ++i)
      storeMeasured(settings, task.measurer.flatWeights().place(flat[i]), measured[i], run);
  }
  if (unknown > 0) {
    run.complete = false;
    run.notes.push_back(std::to_string(unknown) + " of " + std::to_string(task.selected.size()) +
                        " weights were not measured, by the parts of the ranking that are missing");
  }
  if (done < task.selected.size()) {
    run.complete = false;
    run.notes.push_back("the budget was spent after " + std::to_string(done) + " of " +
                        std::to_string(task.selected.size()) +
                        " weights, in the model's order; the others were not measured");
  }
}

}  // namespace heft
