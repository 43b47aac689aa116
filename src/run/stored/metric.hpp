#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace heft {

/// How far an output moves is measured in one of several ways. A new one takes a line here, its formula in
/// OutputMetrics::parts (measure/metrics), and its line in the topic of `heft help metrics`: docs/adding.md.
enum class Metric { rms, max, kl, loss, flips, cosine };

/// How the parts of the samples become one number, see OutputMetrics.
enum class Reduction { root_of_mean, largest, mean, size_of_mean };

/// How a metric grows with the size of a small change of the outputs. `relative_square`: of the change as a share of the
/// outputs. `steps`: it jumps, so that rounding leaves it as it is.
enum class Growth { linear, square, relative_square, steps };

/// All that is known of a metric before anything is run.
struct MetricFacts {
  Metric metric;
  std::string_view name;   ///< on the command line, in run.json and in messages
  std::string_view words;  ///< what an impact is, in a sentence: "largest change of the output"
  std::string_view unit;   ///< beside a value, where that says more: "nats"
  Reduction reduction;
  Growth growth;
  bool of_elements;    ///< its parts are the outputs' elements; else their groups of classes (loss: as its targets are)
  bool needs_targets;  ///< else it needs nothing but outputs
  bool by_probes;      ///< estimates can take it from random sums of outputs; else each output stands by itself
};

inline constexpr std::array kMetrics{
    MetricFacts{Metric::rms, "rms", "rms change of the output", "", Reduction::root_of_mean, Growth::linear, true,
                false, true},
    MetricFacts{Metric::max, "max", "largest change of the output", "", Reduction::largest, Growth::linear, true, false,
                false},
    MetricFacts{Metric::kl, "kl", "KL divergence of the output, in nats", "nats", Reduction::mean, Growth::square,
                false, false, true},
    MetricFacts{Metric::loss, "loss", "change of the loss", "", Reduction::size_of_mean, Growth::linear, false, true,
                true},
    MetricFacts{Metric::flips, "flips", "share of decisions that flip", "of predictions change", Reduction::mean,
                Growth::steps, false, false, false},
    MetricFacts{Metric::cosine, "cosine", "cosine distance of the output", "1 - cosine similarity", Reduction::mean,
                Growth::relative_square, false, false, false},
};

[[nodiscard]] const MetricFacts& facts(Metric metric) noexcept;
/// "rms", "max", …
[[nodiscard]] std::string_view name(Metric metric) noexcept;
/// Throws Error(Fault::usage) with the names there are.
[[nodiscard]] Metric parseMetric(std::string_view text);
/// All of them, in the table's order.
[[nodiscard]] std::vector<std::string> metricNames();
/// True for metrics that compare classes: they need outputs with more than one.
[[nodiscard]] bool needsClasses(Metric metric) noexcept;

}  // namespace heft
