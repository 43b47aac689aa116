#include "compare/shift.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/rank_statistics.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

void requireSame(const Run& here, const Run& there) {
  const auto& a = here.structure.parameters;
  const auto& b = there.structure.parameters;
  for (std::size_t p = 0; p < std::max(a.size(), b.size()); ++p) {
    if (p < a.size() && p < b.size() && a[p].name == b[p].name && a[p].shape == b[p].shape) continue;
    throw Error(Fault::output, "the two runs are of models with other parameters (" +
                                   (p < a.size() ? a[p].name : b[p].name) +
                                   " has no match); runs of the same architecture were expected");
  }
}

/// Runs laid end to end; NaN in both where a weight is not part of both.
struct Pairs {
  std::vector<float> here, there;
  std::vector<std::size_t> first;  ///< by parameter
};

Pairs pairsOf(const Run& here, const Run& there) {
  Pairs pairs;
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t p = 0; p < here.impacts.size(); ++p) {
    pairs.first.push_back(pairs.here.size());
    const auto& a = here.impacts[p].impact;
    const auto& b = there.impacts[p].impact;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool both = !std::isnan(a[i]) && !std::isnan(b[i]);
      pairs.here.push_back(both ? a[i] : kNone);
      pairs.there.push_back(both ? b[i] : kNone);
    }
  }
  return pairs;
}

std::vector<float> difference(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> all(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) all[i] = a[i] - b[i];
  return all;
}

/// Impacts of those in the top 1 % of `in` and below the top 10 % of `out`; NaN elsewhere.
std::vector<float> onlyIn(const std::vector<float>& in, const std::vector<float>& out, std::size_t weights) {
  std::vector<float> found(in.size(), std::numeric_limits<float>::quiet_NaN());
  const auto share = [&](double part) {
    return static_cast<std::size_t>(std::ceil(part * static_cast<double>(weights)));
  };
  for (const auto place : largest(std::span<const float>(in), share(0.01))) found[place] = in[place];
  for (const auto place : largest(std::span<const float>(out), share(0.1)))
    found[place] = std::numeric_limits<float>::quiet_NaN();
  return found;
}

}  // namespace

Shift shiftOf(const Run& here, const Run& there, std::size_t count) {
  requireSame(here, there);
  const auto pairs = pairsOf(here, there);
  Shift shift;
  shift.weights = static_cast<std::size_t>(
      std::count_if(pairs.here.begin(), pairs.here.end(), [](float one) { return !std::isnan(one); }));
  const std::span<const float> a(pairs.here), b(pairs.there);
  shift.spearman = spearman(a, b);
  shift.kendall = kendallTauB(a, b);
  shift.overlap = topOverlap(a, b, static_cast<std::size_t>(std::ceil(0.01 * static_cast<double>(shift.weights))));
  const auto listed = [&](const std::vector<float>& by, bool positive) {
    std::vector<ShiftedWeight> list;
    for (const auto place : largest(std::span<const float>(by), count)) {
      if (positive && by[place] <= 0) continue;
      const auto p = static_cast<std::size_t>(std::upper_bound(pairs.first.begin(), pairs.first.end(), place) -
                                              pairs.first.begin() - 1);
      const auto index = static_cast<std::int64_t>(place - pairs.first[p]);
      list.push_back(
          {p, index, here.impacts[p].weight[static_cast<std::size_t>(index)], pairs.here[place], pairs.there[place]});
    }
    return list;
  };
  shift.rose = listed(difference(pairs.there, pairs.here), true);
  shift.fell = listed(difference(pairs.here, pairs.there), true);
  shift.only_there = listed(onlyIn(pairs.there, pairs.here, shift.weights), true);
  shift.only_here = listed(onlyIn(pairs.here, pairs.there, shift.weights), true);
  return shift;
}

CriterionScores shiftScores(const Run& here, const Run& there) {
  requireSame(here, there);
  CriterionScores scores{"shift", "impact there - impact here", {}, 0};
  for (std::size_t p = 0; p < here.impacts.size(); ++p)
    scores.scores.push_back(difference(there.impacts[p].impact, here.impacts[p].impact));
  return scores;
}

}  // namespace heft
