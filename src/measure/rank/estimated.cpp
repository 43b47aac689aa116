#include "measure/rank/estimated.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "analysis/random.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/estimate/no_estimate.hpp"
#include "measure/rank/kept_estimates.hpp"

namespace heft {
namespace {

/// What the checkpoint keeps of the estimates beside them.
constexpr auto kWithout = "without estimates";

/// Zeros, of which nothing is known.
ResponseResult nothing(const MethodTask& task) {
  ResponseResult result;
  for (std::size_t m = 0; m < task.settings.metrics.size(); ++m) {
    result.impact.emplace_back();
    result.standard_error.emplace_back();
    for (const auto& info : task.session.structure().parameters) {
      const auto weights = static_cast<std::size_t>(info.weights());
      result.impact.back().emplace_back(weights, 0.0);
      result.standard_error.back().emplace_back(weights, std::numeric_limits<float>::quiet_NaN());
    }
  }
  return result;
}

/// What of it is damaged or missing is estimated again.
ResponseResult estimateOrRestore(const MethodTask& task, Run& run) {
  ResponseResult result;
  KeptEstimates kept(task);
  if (kept.restore(result)) return result;
  const auto begin = std::chrono::steady_clock::now();
  ResponseOptions options;
  options.metrics = task.settings.metrics;
  options.seed = task.settings.seed;
  options.selection = &task.selection;
  options.store = &kept;
  const auto& measurer = task.measurer;
  try {
    result = estimateAll(
        task.session,
        [&](int64_t parameter, int64_t flat, double weight) { return measurer.newValue(parameter, flat, weight); },
        options, task.progress);
  } catch (const NoEstimate& none) {
    result = nothing(task);
    run.notes.push_back("nothing can be estimated: " + std::string(none.what()));
  } catch (const Error& error) {
    // Metrics that take each output by itself, of very many. Auto ends with a ranking in any case.
    if (error.fault() != Fault::unsupported || task.settings.method != Method::automatic) throw;
    result = nothing(task);
    run.notes.push_back("nothing is estimated: " + std::string(error.what()));
  }
  kept.finish(result);
  run.cost.response_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

/// By parameter: 1 where all estimates are 0 or no number, and changing all of its selected weights moves the output.
std::vector<std::uint8_t> withoutEstimates(const MethodTask& task, const ResponseResult& result) {
  const auto& places = task.selected.places();
  if (const auto kept = task.checkpoint.list(kWithout); kept && kept->size() == places.size())
    return {kept->begin(), kept->end()};
  std::vector<std::uint8_t> without(places.size(), 0);
  for (std::size_t p = 0; p < places.size(); ++p) {
    const auto& impact = result.impact[0][p];
    const auto says_nothing = [&](std::int64_t place) {
      const double one = impact[static_cast<std::size_t>(place)];
      return one == 0 || !std::isfinite(one);
    };
    if (places[p].empty() || !std::all_of(places[p].begin(), places[p].end(), says_nothing)) continue;
    without[p] = task.measurer.moves(static_cast<std::int64_t>(p), places[p]) ? 1 : 0;
  }
  const std::vector<double> kept(without.begin(), without.end());
  task.checkpoint.addList(kWithout, std::span<const double>(kept));
  return without;
}

/// Rounded outwards, and never nearer to the estimate than the rounding of what is executed: an interval promises no more than a
/// float32 can hold.
float floatTowards(double value, float outside) {
  constexpr double kStep = std::numeric_limits<float>::epsilon();
  value *= outside > 0 ? 1 + kStep : 1 - kStep;
  const auto near = static_cast<float>(value);
  const bool inwards = outside > near ? static_cast<double>(near) < value : static_cast<double>(near) > value;
  return inwards ? std::nextafter(near, outside) : near;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

}  // namespace

std::vector<std::span<const double>> Estimated::spans() const {
  std::vector<std::span<const double>> all;
  for (std::size_t p = 0; p < impact.size(); ++p)
    all.push_back(without[p] != 0 ? std::span<const double>() : std::span<const double>(impact[p]));
  return all;
}

std::vector<std::size_t> Estimated::selected() const {
  std::vector<std::size_t> numbers;
  std::size_t next = 0;
  for (std::size_t p = 0; p < impact.size(); ++p) {
    for (std::size_t i = 0; i < impact[p].size(); ++i, ++next) {
      if (without[p] == 0) numbers.push_back(next);
    }
  }
  return numbers;
}

std::vector<std::size_t> Estimated::selectedWithout() const {
  std::vector<std::size_t> numbers;
  std::size_t next = 0;
  for (std::size_t p = 0; p < impact.size(); ++p) {
    for (std::size_t i = 0; i < impact[p].size(); ++i, ++next) {
      if (without[p] != 0) numbers.push_back(next);
    }
  }
  return numbers;
}

std::vector<std::size_t> someOf(std::vector<std::size_t> weights, std::size_t most, std::uint64_t seed) {
  if (weights.size() <= most) return weights;
  auto places = sampleWithoutReplacement(most, weights.size(), Random(seed, "without estimates"));
  std::sort(places.begin(), places.end());
  std::vector<std::size_t> some;
  for (const auto place : places) some.push_back(weights[place]);
  return some;
}

namespace {

/// "no weight has an estimate", "12 weights of a.weight have no estimate, since …".
std::string whoIsWithout(const MethodTask& task, const Estimated& estimated, std::size_t weights) {
  if (weights == task.selected.size()) return "no weight has an estimate";
  std::vector<std::string> names;
  for (std::size_t p = 0; p < estimated.without.size(); ++p) {
    if (estimated.without[p] != 0) names.push_back(task.session.structure().parameters[p].name);
  }
  constexpr std::size_t kNamed = 3;
  std::string named;
  for (std::size_t i = 0; i < std::min(kNamed, names.size()); ++i) named += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kNamed) named += " and " + counted(names.size() - kNamed, "other parameter");
  return counted(weights, "weight") + " of " + named + (weights == 1 ? " has" : " have") +
         " no estimate, since no derivative leads from the output there";
}

}  // namespace

std::vector<double> executeWithout(const MethodTask& task, const Estimated& estimated,
                                   const std::vector<std::size_t>& chosen, Run& run) {
  const auto all = estimated.selectedWithout().size();
  if (all == 0) return {};
  std::vector<std::uint64_t> flat;
  for (const auto one : chosen) flat.push_back(task.selected.flat(one));
  const auto measured = task.measurer.weights(flat, [&](std::size_t done, std::size_t of) {
    task.progress("executing what has no estimate", static_cast<double>(done) / static_cast<double>(of));
  });
  std::vector<double> impacts;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    impacts.push_back(forDecisions(measured[i].value[0]));
    storeMeasured(task.settings, task.measurer.flatWeights().place(flat[i]), measured[i], run);
  }
  std::string note = whoIsWithout(task, estimated, all) + ": ";
  if (chosen.size() == all)
    note += all == 1 ? "it was executed" : "all of them were executed";
  else
    note += grouped(chosen.size()) + " of them, drawn at random, were executed, and of the others nothing is known; " +
            (task.settings.method == Method::response
                 ? settingName("method") + " auto or exhaustive executes more"
                 : "a larger " + settingName("budget") + " or " + settingName("method") + " exhaustive executes more");
  run.notes.push_back(std::move(note));
  return impacts;
}

AutoWork autoWork(const MethodTask& task, const Estimated& estimated, const AutoCosts& costs, std::size_t budget) {
  AutoWork work;
  const auto all = estimated.selectedWithout();
  const bool alone = all.size() == task.selected.size();
  // Half of a budget is for those that have estimates.
  const auto most = budget == 0 ? costs.most() : alone ? budget : std::max<std::size_t>(1, budget / 2);
  work.without = someOf(all, most, task.settings.seed);
  work.unknown = all.size() - work.without.size();
  auto& options = work.settle;
  options.k = static_cast<std::size_t>(task.settings.top);
  options.miss = task.settings.miss;
  options.alpha = task.settings.alpha;
  options.seed = task.settings.seed;
  options.spare = costs.spare();
  if (budget > 0) options.budget = std::max<std::size_t>(1, budget - std::min(budget, work.without.size()));
  return work;
}

Estimated estimateSelected(const MethodTask& task, Run& run) {
  const auto result = estimateOrRestore(task, run);
  run.cost.adjoints = result.adjoints;
  run.cost.probes = static_cast<std::size_t>(result.probes);
  run.cost.probe_error = result.probe_error;
  run.notes.insert(run.notes.end(), result.notes.begin(), result.notes.end());
  Estimated estimated;
  estimated.without = withoutEstimates(task, result);
  std::size_t beyond = 0;
  for (std::size_t p = 0; p < task.selected.places().size(); ++p) {
    auto& impacts = run.impacts[p];
    estimated.impact.emplace_back();
    if (estimated.without[p] != 0) {
      estimated.impact.back().assign(task.selected.places()[p].size(), 0.0);
      continue;
    }
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
      if (impacts.measured[i] != 0 || estimated.without[p] != 0) continue;
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
