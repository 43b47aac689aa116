#include "run/stored/metric.hpp"

#include <algorithm>

#include "data/printable.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {

const MetricFacts& facts(Metric metric) noexcept {
  return *std::find_if(kMetrics.begin(), kMetrics.end(), [&](const MetricFacts& one) { return one.metric == metric; });
}

std::string_view name(Metric metric) noexcept { return facts(metric).name; }

Metric parseMetric(std::string_view text) {
  for (const MetricFacts& one : kMetrics) {
    if (one.name == text) return one.metric;
  }
  throw Error(Fault::usage, "metric '" + printable(text) + "' is unknown; there are: " + joined(metricNames(), ", "));
}

std::vector<std::string> metricNames() {
  std::vector<std::string> names;
  for (const MetricFacts& one : kMetrics) names.emplace_back(one.name);
  return names;
}

bool needsClasses(Metric metric) noexcept { return !facts(metric).of_elements && !facts(metric).needs_targets; }

}  // namespace heft
