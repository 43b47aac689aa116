#include "measure/rank/execute_all.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/settle.hpp"
#include "measure/estimate/response.hpp"
#include "measure/session/forward_cost.hpp"

namespace heft {
namespace {

/// Operations that count as little: half a minute of two ordinary cores, about.
constexpr double kLittle = 3e11;
/// What weights without an estimate may take, ten minutes, and how many of them are executed in any case: as many as a random
/// sample has.
constexpr double kMost = 6e12;
constexpr double kFewest = 400;
/// Variants that share the calls of operators where they run many at once.
constexpr double kTogether = 64;
/// A run back through the graph, in runs of forward.
constexpr double kAdjoint = 2;

/// Adjoints that the estimates will take, about (ResponseOptions).
double adjointsOf(const Session& session, double flop) {
  const ResponseOptions options;
  const auto elements = static_cast<double>(session.baseline().size(1));
  const double one = std::max(flop, 1.0);
  if (elements <= std::max(static_cast<double>(options.exact_elements), options.exact_flop / one)) return elements;
  return std::clamp(options.probe_flop / one, static_cast<double>(options.probes),
                    static_cast<double>(options.most_probes));
}

}  // namespace

bool AutoCosts::executesAll() const { return executing <= std::max(kLittle, estimating); }

std::size_t AutoCosts::spare() const {
  return static_cast<std::size_t>(std::max(kLittle, estimating) / std::max(variant, 1.0));
}

std::size_t AutoCosts::most() const {
  return static_cast<std::size_t>(std::max(kFewest, kMost / std::max(variant, 1.0)));
}

AutoCosts autoCosts(Session& session, const RankSettings& settings, const SelectedWeights& selected,
                    Measurer& measurer) {
  const auto forward = forwardCost(session);
  const double together = forward.operations(kTogether), alone = forward.operations();
  AutoCosts costs;
  std::size_t parameters = 0;
  measurer.prepare();
  for (std::size_t p = 0; p < selected.places().size(); ++p) {
    const auto weights = static_cast<double>(selected.places()[p].size());
    parameters += weights > 0 ? 1 : 0;
    costs.executing += weights * (measurer.runsAlone(static_cast<std::int64_t>(p)) ? alone : together);
  }
  const auto all = static_cast<double>(selected.size());
  costs.variant = all > 0 ? costs.executing / all : 0;
  const double adjoints = adjointsOf(session, forward.flop);
  const double sample = static_cast<double>(defaultCalibrationDraws(parameters, selected.size(), settings.alpha));
  costs.estimating = adjoints * (kAdjoint * forward.operations(kTogether) + forward.flop) +
                     (sample + 2 * static_cast<double>(settings.top)) * costs.variant;
  return costs;
}

bool executesEverything(const RankSettings& settings, const SelectedWeights& selected, const AutoCosts& costs) {
  if (settings.method != Method::automatic) return executesAll(settings.method);
  const bool enough =
      settings.budget_variants <= 0 || static_cast<std::size_t>(settings.budget_variants) >= selected.size();
  return enough && settings.budget_seconds <= 0 && costs.executesAll();
}

}  // namespace heft
