#include "measure/estimate/response.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/memory.hpp"
#include "engine/estimate/adjoint.hpp"
#include "engine/estimate/differentiable_call.hpp"
#include "engine/forward/weight_functions.hpp"
#include "heft/error.hpp"
#include "measure/estimate/no_estimate.hpp"
#include "measure/estimate/readings.hpp"
#include "measure/estimate/response_seeds.hpp"
#include "measure/estimate/row_estimator.hpp"
#include "measure/estimate/unit_estimator.hpp"
#include "model/archive.hpp"

namespace heft {
namespace {

/// Floating-point operations of one adjoint: a multiplication and an addition for each weight and each time it is read.
double adjointFlop(const std::vector<Site*>& sites, const Model& model) {
  double flop = 1;
  for (const auto* site : sites) {
    const double readings = readingsOf(*site);
    for (const auto& use : site->uses())
      flop += 2 * readings * static_cast<double>(model.weights(use.parameter).value.numel());
  }
  return flop;
}

void noteCuts(const std::set<std::string>& operators, std::vector<std::string>& notes) {
  std::string names;
  for (const auto& one : operators) names += (names.empty() ? "" : ", ") + one;
  if (!names.empty())
    notes.push_back("estimates leave out what goes through " + names + ", which autograd can't follow");
}

/// A recorded run whose rows know their samples, and its outputs [samples, elements].
std::pair<Session::Recording, at::Tensor> recordAssigned(Session& session, const ResponseOptions& options,
                                                         std::vector<std::string>& notes) {
  // What is done to the outputs here belongs to the graph.
  const at::AutoGradMode grad(true);
  bool keep_arguments = false;
  auto graph = GraphMode::plain;
  for (;;) {
    const GraphScope scope(graph);
    auto recording = session.record(keep_arguments, &session.units(), {options.own, options.device_code});
    if (graph == GraphMode::plain && scope.lost()) {
      graph = GraphMode::tested;
      continue;
    }
    auto outputs = recording.outputs;
    if (!outputs.requires_grad()) throw NoEstimate("no derivative leads from the outputs to the weights");
    const auto sites = recording.handler->sites();
    try {
      if (!assignSamples(sites, outputs, options.seed)) {
        notes.push_back("some weights act on several samples at once, so the estimates take the batch as one sample");
        outputs = outputs.reshape({1, -1});
        assignSamples(sites, outputs, options.seed);
      }
      noteCuts(scope.cut(), notes);
      return {std::move(recording), outputs};
    } catch (const c10::Error& error) {
      const bool overwritten =
          std::string_view(error.what()).find("modified by an inplace operation") != std::string_view::npos;
      if (saysOutOfMemory(error.what()) || (graph == GraphMode::tested && (keep_arguments || !overwritten))) throw;
      if (overwritten && !keep_arguments)
        keep_arguments = true;
      else
        graph = GraphMode::tested;
    }
  }
}

/// Tells the sites that stand alone for their parameters that only sums of squares count.
void keepSquares(const std::vector<Site*>& sites, const Model& model) {
  std::vector<int> uses(model.parameters.size(), 0);
  for (const auto* site : sites) {
    for (const auto& use : site->uses()) {
      for (const auto parameter : parametersBehind(model, use.parameter)) ++uses[static_cast<size_t>(parameter)];
    }
  }
  for (auto* site : sites) {
    const auto own = site->uses();
    const auto alone = [&](const SiteUse& use) {
      const auto parameters = parametersBehind(model, use.parameter);
      return std::all_of(parameters.begin(), parameters.end(),
                         [&](int64_t parameter) { return uses[static_cast<size_t>(parameter)] == 1; });
    };
    // Of a site that bends, the first seeds are told apart from the others.
    if (!own.empty() && !site->bends() && std::all_of(own.begin(), own.end(), alone)) site->keepSquares();
  }
}

double adjointBytes(const std::vector<Site*>& sites, int64_t seeds, int64_t samples) {
  double bytes = 0;
  for (const auto* site : sites) bytes += site->adjointBytes(seeds, samples);
  return bytes;
}

AdjointCost adjointCost(const std::vector<Site*>& sites, const Model& model, int64_t seeds, int64_t samples) {
  AdjointCost cost{static_cast<size_t>(seeds), adjointBytes(sites, seeds, samples), static_cast<size_t>(seeds)};
  std::int64_t most = 0;
  for (const auto* site : sites) {
    std::int64_t weights = 0;
    for (const auto& use : site->uses()) weights += model.weights(use.parameter).value.numel();
    if (weights <= most) continue;
    most = weights;
    cost.kept = static_cast<size_t>(std::max<int64_t>(site->keptSeeds(seeds), 1));
  }
  return cost;
}

/// How the outputs are taken: each by itself where they are few enough for time and memory, else by probes.
std::unique_ptr<ResponseSeeds> chooseSeeds(const OutputView& view, const std::vector<Site*>& sites, const Model& model,
                                           const ResponseOptions& options, ResponseResult& result) {
  const auto samples = view.one_sample ? 1 : view.baseline.size(0);
  const auto elements = view.baseline.numel() / samples;
  const auto only = [&](Metric metric) {
    return !view.one_sample && options.metrics.size() == 1 && options.metrics[0] == metric;
  };
  // The first outputs don't stand for all of them, as the first probes do, so what bends needs each.
  const bool bends =
      options.bends && std::any_of(sites.begin(), sites.end(), [](const Site* site) { return site->bends(); });
  if (only(Metric::rms) && !bends) keepSquares(sites, model);
  const auto fits = [&](int64_t seeds) {
    return adjointBytes(sites, seeds, samples) <= static_cast<double>(options.memory);
  };
  const double flop = adjointFlop(sites, model);
  const auto quick = static_cast<int64_t>(options.exact_flop / flop);
  if (elements <= std::max({options.exact_elements, quick, int64_t{1}}) && fits(elements))
    return exactSeeds(view, options.metrics, options.curvature);
  if (only(Metric::kl) || only(Metric::rms)) keepSquares(sites, model);
  result.probes = std::clamp(static_cast<int64_t>(options.probe_flop / flop), options.probes, options.most_probes);
  while (result.probes > 2 && !fits(result.probes)) result.probes /= 2;
  // Var of the mean of P squares of (r dy) is at most 2 |dy|^4 / P a sample; samples that share the impact average it.
  result.probe_error = std::sqrt(2.0 / static_cast<double>(result.probes)) / 2;
  return probeSeeds(view, options.metrics, result.probes, options.seed);
}

}  // namespace

void prepareResult(ResponseResult& result, const std::vector<ParameterInfo>& parameters, size_t values, float unknown) {
  result.impact.assign(values, {});
  result.standard_error.assign(values, {});
  for (size_t m = 0; m < values; ++m) {
    for (const auto& info : parameters) {
      result.impact[m].emplace_back(static_cast<size_t>(info.weights()), 0.0);
      result.standard_error[m].emplace_back(static_cast<size_t>(info.weights()), unknown);
    }
  }
}

ResponseResult estimateAll(Session& session, const NewValue& new_value, const ResponseOptions& options,
                           const StageProgress& progress) {
  return estimateBy(session, new_value, {}, options, progress);
}

ResponseResult estimateBy(Session& session, const NewValue& new_value, const SeedsMaker& make,
                          const ResponseOptions& options, const StageProgress& progress) {
  ResponseResult result;
  auto [recording, outputs] = orNoEstimate([&] { return recordAssigned(session, options, result.notes); });
  const auto sites = recording.handler->sites();
  const auto samples = outputs.size(0);
  const OutputView view{session.baseline(), session.layout().classes(),
                        session.targets(),  {session.layout().realParts(), session.layout().scale()},
                        session.together(), samples != session.baseline().size(0)};
  const auto seeds = make ? make(view) : chooseSeeds(view, sites, session.model(), options, result);
  auto all_seeds = seeds->seeds();
  all_seeds.random = all_seeds.random && options.rounded_probes;
  result.adjoints = static_cast<size_t>(all_seeds.count);
  if (options.begun) options.begun(adjointCost(sites, session.model(), all_seeds.count, view.one_sample ? 1 : samples));
  orNoEstimate([&] {
    takeAdjoints(
        sites, outputs, all_seeds, [&](double share) { progress("adjoints", share); }, options.store);
    return true;
  });
  outputs = at::Tensor();
  recording.releaseOutputs();

  const auto& parameters = session.structure().parameters;
  double total = 0, done = 0;
  for (const auto& info : parameters) total += static_cast<double>(info.weights());
  const float unknown = samples < 2 ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
  prepareResult(result, parameters, options.take_row ? 0 : seeds->values(), unknown);
  const auto advance = [&](int64_t weights) {
    done += static_cast<double>(weights);
    progress("response", done / total);
  };
  const RowEstimator rows(session, sites, *seeds, new_value, options, samples);
  for (size_t p = 0; p < parameters.size(); ++p) {
    const auto first = options.store != nullptr ? options.store->restoreRows(p, result) : 0;
    if (first > 0) advance(first * parameters[p].columns());
    rows.estimate(p, first, result, advance);
  }
  if (recording.handler->exits() == nullptr || options.take_row) return result;
  UnitEstimator units(session, *recording.handler->exits(), *seeds, new_value, options.selection, samples);
  for (const auto& parameter : session.units().parameters) {
    const auto p = static_cast<size_t>(parameter.parameter);
    if (p >= parameters.size()) {  // of a derived weight, which stands for rows of several parameters
      units.estimate(parameter, result, advance);
      continue;
    }
    const auto all = parameters[p].rows();
    if (options.store != nullptr && options.store->restoreRows(p, result) == all) continue;
    units.estimate(parameter, result, advance);
    if (options.store != nullptr) options.store->keepRows(p, all, result);
  }
  return result;
}

}  // namespace heft
