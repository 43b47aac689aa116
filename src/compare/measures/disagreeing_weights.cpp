#include "compare/measures/disagreeing_weights.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/disagreement.hpp"
#include "measure/rank/reference.hpp"
#include "measure/weights/flat_weights.hpp"

namespace heft {

DisagreeingWeights disagreeingWeights(Session& session, const Run& run, const std::function<void()>& stop) {
  constexpr std::size_t kEach = 20;
  std::vector<float> weight, impact;
  std::vector<std::size_t> first;
  for (const auto& one : run.impacts) {
    first.push_back(weight.size());
    weight.insert(weight.end(), one.weight.begin(), one.weight.end());
    impact.insert(impact.end(), one.impact.begin(), one.impact.end());
  }
  const auto found = disagreementOf(weight, impact, kEach);
  std::vector<float> taking_part;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (!std::isnan(impact[i])) taking_part.push_back(weight[i]);
  }
  const auto listed = [&](const std::vector<std::size_t>& places) {
    std::vector<DisagreeingWeight> list;
    std::vector<FlatWeights::Place> flat;
    std::vector<float> values, impacts;
    for (const auto place : places) {
      const auto p = static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), place) - first.begin() - 1);
      list.push_back({p, static_cast<std::int64_t>(place - first[p]), static_cast<double>(weight[place]), 0, 0, 0});
      flat.push_back({static_cast<std::int64_t>(p), list.back().index});
      values.push_back(weight[place]);
      impacts.push_back(impact[place]);
    }
    const auto executed = referenceImpacts(session, run.settings, flat, [&](std::size_t) { stop(); });
    const auto by_magnitude = ranksAmong(values, taking_part);
    const auto by_impact = ranksAmong(impacts, impact);
    for (std::size_t i = 0; i < list.size(); ++i) {
      list[i].impact = executed[i];
      list[i].magnitude_rank = by_magnitude[i];
      list[i].impact_rank = by_impact[i];
    }
    return list;
  };
  return {listed(found.large_but_inert), listed(found.small_but_critical)};
}

}  // namespace heft
