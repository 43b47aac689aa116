#include "measure/estimated.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

namespace heft {
namespace {

std::string listName(const char* what, Metric metric, std::size_t parameter) {
  return std::string(what) + " " + std::string(name(metric)) + " " + std::to_string(parameter);
}

/// What the checkpoint keeps of the estimates beside them.
constexpr auto kFacts = "estimate facts";

bool restore(const MethodTask& task, ResponseResult& result) {
  const auto facts = task.checkpoint.list(kFacts);
  if (!facts || facts->size() != 3) return false;
  result.adjoints = static_cast<std::size_t>(facts->at(0));
  result.probes = static_cast<int64_t>(facts->at(1));
  result.probe_error = facts->at(2);
  for (const auto metric : task.settings.metrics) {
    result.impact.emplace_back();
    result.standard_error.emplace_back();
    for (std::size_t p = 0; p < task.session.structure().parameters.size(); ++p) {
      const auto weights = static_cast<std::size_t>(task.session.structure().parameters[p].weights());
      auto impact = task.checkpoint.list(listName("estimate", metric, p));
      const auto error = task.checkpoint.list(listName("estimate error", metric, p));
      if (!impact || !error || impact->size() != weights || error->size() != weights) return false;
      result.impact.back().push_back(std::move(*impact));
      result.standard_error.back().emplace_back(error->begin(), error->end());
    }
  }
  return true;
}

void keep(const MethodTask& task, const ResponseResult& result) {
  for (std::size_t m = 0; m < task.settings.metrics.size(); ++m) {
    for (std::size_t p = 0; p < result.impact[m].size(); ++p) {
      task.checkpoint.addList(listName("estimate", task.settings.metrics[m], p),
                              std::span<const double>(result.impact[m][p]));
      task.checkpoint.addList(listName("estimate error", task.settings.metrics[m], p),
                              std::span<const float>(result.standard_error[m][p]));
    }
  }
  const std::vector<double> facts{static_cast<double>(result.adjoints), static_cast<double>(result.probes),
                                  result.probe_error};
  task.checkpoint.addList(kFacts, std::span<const double>(facts));
  task.checkpoint.flush();
}

/// A damaged or missing list makes the whole estimate be taken again.
ResponseResult estimateOrRestore(const MethodTask& task, Run& run) {
  ResponseResult result;
  if (restore(task, result)) return result;
  const auto begin = std::chrono::steady_clock::now();
  ResponseOptions options;
  options.metrics = task.settings.metrics;
  options.seed = task.settings.seed;
  options.selection = &task.selection;
  const auto& measurer = task.measurer;
  result = estimateAll(
      task.session,
      [&](int64_t parameter, int64_t flat, double weight) { return measurer.newValue(parameter, flat, weight); },
      options, task.progress);
  keep(task, result);
  run.cost.response_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

/// Rounded outwards, so that an interval that is narrower than a float's step still holds what it held.
float floatTowards(double value, float outside) {
  const auto near = static_cast<float>(value);
  const bool inwards = outside > near ? static_cast<double>(near) < value : static_cast<double>(near) > value;
  return inwards ? std::nextafter(near, outside) : near;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

}  // namespace

Estimated estimateSelected(const MethodTask& task, Run& run) {
  const auto result = estimateOrRestore(task, run);
  run.cost.adjoints = result.adjoints;
  run.cost.probes = static_cast<std::size_t>(result.probes);
  run.cost.probe_error = result.probe_error;
  run.notes.insert(run.notes.end(), result.notes.begin(), result.notes.end());
  Estimated estimated;
  std::size_t beyond = 0;
  for (std::size_t p = 0; p < task.selected.places().size(); ++p) {
    auto& impacts = run.impacts[p];
    estimated.impact.emplace_back();
    for (const auto place : task.selected.places()[p]) {
      const auto i = static_cast<std::size_t>(place);
      const double impact = result.impact[0][p][i];
      estimated.impact.back().push_back(forDecisions(impact));
      impacts.impact[i] = std::isfinite(impact) ? static_cast<float>(impact) : std::numeric_limits<float>::infinity();
      beyond += std::isfinite(impact) ? 0 : 1;
      impacts.standard_error[i] = result.standard_error[0][p][i];
      for (std::size_t m = 1; m < task.settings.metrics.size(); ++m) {
        impacts.other[std::string(name(task.settings.metrics[m]))][i] = static_cast<float>(result.impact[m][p][i]);
      }
    }
  }
  if (beyond > 0)
    run.notes.push_back("the impact of " + std::to_string(beyond) + (beyond == 1 ? " weight" : " weights") +
                        " could not be estimated (no finite number came out, as where a model divides by a weight); "
                        "it is taken to be infinite until it is executed");
  return estimated;
}

void storeIntervals(const MethodTask& task, const Estimated& estimated, const Strata& strata,
                    const Conformal& intervals, Run& run) {
  for (std::size_t p = 0; p < task.selected.places().size(); ++p) {
    auto& impacts = run.impacts[p];
    for (std::size_t j = 0; j < task.selected.places()[p].size(); ++j) {
      const auto i = static_cast<std::size_t>(task.selected.places()[p][j]);
      if (impacts.measured[i] != 0) continue;
      const double estimate = estimated.impact[p][j];
      const auto interval = intervals.interval(strata.of(p, estimate), estimate);
      impacts.lower[i] = floatTowards(interval.lower, 0);
      impacts.upper[i] = floatTowards(interval.upper, std::numeric_limits<float>::infinity());
    }
  }
}

std::vector<CalibrationFacts> calibrationFacts(const MethodTask& task, std::span<const CalibrationPair> pairs) {
  std::map<std::size_t, std::vector<double>> ratios;
  for (const auto& pair : pairs) {
    if (pair.estimate > 0 && pair.estimate < kBeyondNumbers)
      ratios[Strata::parameterOf(pair.stratum)].push_back(pair.measured / pair.estimate);
  }
  std::vector<CalibrationFacts> facts;
  for (auto& [parameter, of_parameter] : ratios) {
    std::sort(of_parameter.begin(), of_parameter.end());
    facts.push_back({task.session.structure().parameters[parameter].name, of_parameter.size(),
                     quantile(of_parameter, task.settings.alpha / 2), quantile(of_parameter, 0.5),
                     quantile(of_parameter, 1 - task.settings.alpha / 2)});
  }
  return facts;
}

}  // namespace heft
