#include "run/findings/findings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "analysis/grouped_scores.hpp"
#include "analysis/rank_statistics.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// All parameters end to end; NaN on both sides where a weight is not part of the run.
struct Flat {
  std::vector<float> impact, magnitude;
  std::vector<std::size_t> begins;  ///< one more than there are parameters
};

Flat flatten(const Run& run) {
  Flat flat;
  flat.begins.push_back(0);
  for (const ParameterImpacts& each : run.impacts) flat.begins.push_back(flat.begins.back() + each.impact.size());
  flat.impact.reserve(flat.begins.back());
  flat.magnitude.reserve(flat.begins.back());
  for (const ParameterImpacts& each : run.impacts) {
    flat.impact.insert(flat.impact.end(), each.impact.begin(), each.impact.end());
    for (std::size_t i = 0; i < each.weight.size(); ++i) {
      const bool part = !std::isnan(each.impact[i]);
      flat.magnitude.push_back(part ? std::abs(each.weight[i]) : std::numeric_limits<float>::quiet_NaN());
    }
  }
  return flat;
}

/// Its parameters as groups; several lists where they are too many for one.
std::vector<Grouping> groupingsOf(const Flat& flat) {
  std::vector<Grouping> groupings;
  for (std::size_t p = 0; p + 1 < flat.begins.size(); ++p) {
    if (p % Grouping::none == 0)
      groupings.push_back({std::vector<std::uint16_t>(flat.impact.size(), Grouping::none), 0});
    auto& grouping = groupings.back();
    std::fill(grouping.of.begin() + static_cast<std::ptrdiff_t>(flat.begins[p]),
              grouping.of.begin() + static_cast<std::ptrdiff_t>(flat.begins[p + 1]),
              static_cast<std::uint16_t>(grouping.groups++));
  }
  return groupings;
}

Agreement agreementOf(std::string name, const Score& score, std::span<const float> impact) {
  Agreement result;
  result.name = std::move(name);
  result.weights = static_cast<std::size_t>(
      std::count_if(impact.begin(), impact.end(), [](float value) { return !std::isnan(value); }));
  if (result.weights == 0) return result;
  constexpr std::size_t kOnePercent = 1;
  static_assert(overlapShares.at(kOnePercent) == 0.01);
  result.spearman = score.spearman;
  result.kendall = score.kendall;
  result.top = topSize(kOnePercent, result.weights);
  result.overlap = score.overlap.at(kOnePercent);
  result.chance = static_cast<double>(result.top) / static_cast<double>(result.weights);
  // Where nothing moves the output there is no top to agree on.
  if (std::none_of(impact.begin(), impact.end(), [](float value) { return value > 0; })) result.overlap.reset();
  return result;
}

/// For each row, 1 + how many weights of the run are larger: one pass over the weights, O(n log rows).
void rankMagnitudes(std::vector<TopWeight>& rows, std::span<const float> magnitude) {
  std::vector<float> sorted;
  for (const TopWeight& row : rows) {
    if (!std::isnan(row.weight)) sorted.push_back(std::abs(row.weight));
  }
  std::sort(sorted.begin(), sorted.end());
  // larger_than[i]: weights that are larger than exactly i of the rows.
  std::vector<std::size_t> larger_than(sorted.size() + 1, 0);
  for (const float value : magnitude) {
    if (std::isnan(value)) continue;
    ++larger_than[static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin())];
  }
  std::vector<std::size_t> above(sorted.size() + 1, 0);  // above[i]: weights larger than sorted[i]
  for (std::size_t i = sorted.size(); i-- > 0;) above[i] = above[i + 1] + larger_than[i + 1];
  for (TopWeight& row : rows) {
    if (std::isnan(row.weight)) continue;
    const auto end = std::upper_bound(sorted.begin(), sorted.end(), std::abs(row.weight));
    row.magnitude_rank = 1 + above[static_cast<std::size_t>(end - sorted.begin()) - 1];
  }
}

std::vector<TopWeight> topOf(const Run& run, const Flat& flat) {
  std::vector<TopWeight> rows;
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(run.settings.top, 0));
  for (const std::size_t place : largest(std::span<const float>(flat.impact), wanted)) {
    const auto next = std::upper_bound(flat.begins.begin(), flat.begins.end(), place);
    TopWeight row;
    row.parameter = static_cast<std::size_t>(next - flat.begins.begin()) - 1;
    const std::size_t index = place - flat.begins[row.parameter];
    const ParameterImpacts& from = run.impacts[row.parameter];
    row.index = static_cast<std::int64_t>(index);
    row.weight = from.weight[index];
    row.impact = from.impact[index];
    row.lower = from.lower[index];
    row.upper = from.upper[index];
    row.standard_error = from.standard_error[index];
    row.executed = from.measured[index] != 0;
    rows.push_back(row);
  }
  rankMagnitudes(rows, flat.magnitude);
  return rows;
}

}  // namespace

bool measuresWeights(const Run& run) {
  return std::any_of(run.impacts.begin(), run.impacts.end(), [](const ParameterImpacts& one) {
    return std::any_of(one.impact.begin(), one.impact.end(), [](float impact) { return !std::isnan(impact); });
  });
}

void checkSizes(const Run& run) {
  const auto& parameters = run.structure.parameters;
  if (run.impacts.size() != parameters.size()) {
    throw Error(Fault::internal, "a run has impacts of " + std::to_string(run.impacts.size()) +
                                     " parameters, but its model has " + std::to_string(parameters.size()));
  }
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const ParameterImpacts& each = run.impacts[p];
    const auto check = [&](const char* what, std::size_t found) {
      if (found == static_cast<std::size_t>(parameters[p].weights())) return;
      throw Error(Fault::internal, "a run has " + std::to_string(found) + " values of " + what + " for parameter '" +
                                       parameters[p].name + "' of " + std::to_string(parameters[p].weights()) +
                                       " weights");
    };
    check("weight", each.weight.size());
    check("impact", each.impact.size());
    check("standard_error", each.standard_error.size());
    check("lower", each.lower.size());
    check("upper", each.upper.size());
    check("measured", each.measured.size());
    for (const auto& [metric, values] : each.other) check(metric.c_str(), values.size());
  }
}

namespace {

Comparison comparisonOf(const Run& run, const Flat& flat) {
  Comparison comparison;
  const auto marks = GroupedScores(flat.impact, groupingsOf(flat)).of(flat.magnitude);
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    Agreement each =
        agreementOf(run.structure.parameters[p].name, marks.groups.at(p / Grouping::none).at(p % Grouping::none),
                    std::span(flat.impact).subspan(flat.begins[p], flat.begins[p + 1] - flat.begins[p]));
    if (each.weights > 0) comparison.parameters.push_back(std::move(each));
  }
  comparison.overall = agreementOf("", marks.overall, flat.impact);
  return comparison;
}

Findings findingsWith(const Run& run, const Flat& flat, Comparison comparison) {
  Findings findings;
  findings.top = topOf(run, flat);
  findings.comparison = std::move(comparison);
  for (const ParameterImpacts& each : run.impacts) {
    for (std::size_t i = 0; i < each.impact.size(); ++i) {
      if (std::isnan(each.impact[i])) continue;
      ++findings.weights;
      findings.executed += each.measured[i] != 0;
      findings.moving += each.impact[i] > 0;
    }
  }
  return findings;
}

}  // namespace

Findings findingsOf(const Run& run) {
  checkSizes(run);
  const Flat flat = flatten(run);
  return findingsWith(run, flat, comparisonOf(run, flat));
}

Findings findingsOf(const Run& run, Comparison comparison) {
  checkSizes(run);
  return findingsWith(run, flatten(run), std::move(comparison));
}

}  // namespace heft
