#include "run/findings/interval_widths.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heft {
namespace {

/// Adds a parameter's weights to the counts, and the half widths of those with an estimate above zero.
void add(const ParameterImpacts& from, IntervalWidths& counts, std::vector<double>& halves) {
  for (std::size_t i = 0; i < from.impact.size(); ++i) {
    if (from.measured[i] != 0) continue;
    if (std::isnan(from.impact[i])) {
      counts.unknown += std::isnan(from.lower[i]) ? 0 : 1;
      continue;
    }
    ++counts.estimates;
    const bool open = !std::isfinite(from.upper[i]) || std::isnan(from.lower[i]);
    counts.open += open ? 1 : 0;
    if (!(from.impact[i] > 0)) continue;
    const auto half = (static_cast<double>(from.upper[i]) - static_cast<double>(from.lower[i])) / 2;
    halves.push_back(open ? std::numeric_limits<double>::infinity() : half / static_cast<double>(from.impact[i]));
  }
}

double middleOf(std::vector<double>& halves) {
  if (halves.empty()) return 0;
  const auto middle = halves.begin() + static_cast<std::ptrdiff_t>(halves.size() / 2);
  std::nth_element(halves.begin(), middle, halves.end());
  return *middle;
}

}  // namespace

std::vector<IntervalWidths> intervalWidthsOf(const Run& run) {
  std::vector<IntervalWidths> all;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    IntervalWidths one;
    one.parameter = p;
    std::vector<double> halves;
    add(run.impacts[p], one, halves);
    one.middle = middleOf(halves);
    if (one.estimates + one.unknown > 0) all.push_back(one);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.middle > b.middle; });
  return all;
}

IntervalWidths overallIntervalWidths(const Run& run) {
  IntervalWidths all;
  std::vector<double> halves;
  for (const auto& one : run.impacts) add(one, all, halves);
  all.middle = middleOf(halves);
  return all;
}

}  // namespace heft
