#include "run/stored/metric.hpp"

#include <algorithm>

#include "data/printable.hpp"
#include "heft/error.hpp"

namespace heft {

const MetricFacts& facts(Metric metric) noexcept {
  return *std::find_if(kMetrics.begin(), kMetrics.end(), [&](const MetricFacts& one) { return one.metric == metric; });
}

std::string_view name(Metric metric) noexcept { return facts(metric).name; }

Metric parseMetric(std::string_view text) {
  std::string known;
  for (const MetricFacts& one : kMetrics) {
    if (one.name == text) return one.metric;
    known += (known.empty() ? "" : ", ") + std::string(one.name);
  }
  throw Error(Fault::usage, "metric '" + printable(text) + "' is unknown; there are: " + known);
}

std::string metricNames() {
  std::string names;
  for (std::size_t i = 0; i < kMetrics.size(); ++i)
    names += (i == 0 ? "" : i + 1 == kMetrics.size() ? " or " : ", ") + std::string(kMetrics[i].name);
  return names;
}

bool needsClasses(Metric metric) noexcept { return !facts(metric).of_elements && !facts(metric).needs_targets; }

}  // namespace heft
