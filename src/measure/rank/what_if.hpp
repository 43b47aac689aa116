#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "measure/weights/component.hpp"
#include "run/stored/settings.hpp"

namespace heft {

class Session;

struct WhatIfSettings {
  std::vector<Metric> metrics;  ///< empty: every one that applies, see `applicableMetrics`
  Perturbation perturbation;
  std::uint64_t seed = 0;
};

/// The outputs of one run: over samples, and over positions too where they are by class.
struct OutputSummary {
  std::vector<double> mean, rms;              ///< [elements]
  std::vector<double> class_mean, class_rms;  ///< [classes]; empty where an element is a class, or there is one class
  std::vector<double> sample_rms;             ///< [samples]
  double all_rms = 0, all_max = 0;            ///< root mean square and largest magnitude of everything
};

/// What one change of weights does. Changes are y' - y, variant minus baseline.
struct WhatIf {
  struct Value {
    Metric metric;
    double value = 0, standard_error = 0;  ///< as OutputMetrics has them
  };
  std::string name;
  std::string path;  ///< of a unit, else ""
  std::int64_t weights = 0;
  std::int64_t moved = 0;          ///< weights that the perturbation gives another value
  double mean_magnitude = 0;       ///< mean |w|
  double largest_magnitude = 0;    ///< max |w|
  double norm = 0;                 ///< sqrt(sum w^2)
  std::optional<double> from, to;  ///< a single weight's values
  std::vector<Value> impacts;      ///< by metric
  OutputSummary change;
  std::optional<double> loss, loss_change, accuracy;  ///< loss_change keeps its sign
};

struct WhatIfReport {
  /// One scored output; the elements of all of them follow one another.
  struct Piece {
    std::string path;
    std::vector<std::int64_t> shape;  ///< of one sample
    std::vector<std::int64_t> first;  ///< index of the first element along each dimension
    std::vector<std::int64_t> order;  ///< by dimension: its place among the output's own, without the samples'
  };
  std::vector<Piece> pieces;
  std::int64_t samples = 0, classes = 0;
  OutputSummary baseline;
  std::optional<double> loss, accuracy;  ///< with targets; accuracy with classes
  std::vector<WhatIf> variants;          ///< in the order of the components
};

/// rms and max; kl and flips where the outputs have several classes and the targets, if any, are classes; loss
/// with targets.
std::vector<Metric> applicableMetrics(const Session& session);

/// All weights of several components, each once.
Component together(const std::vector<Component>& components);

/// Changes each component in place, runs the model, puts it back. `progress` is called with the share that is done and may
/// throw to stop. Throws Error(Fault::usage) where a metric doesn't fit the outputs.
WhatIfReport askWhatIf(Session& session, const WhatIfSettings& settings, const std::vector<Component>& components,
                       const std::function<void(double share)>& progress);

}  // namespace heft
