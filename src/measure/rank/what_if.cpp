#include "measure/rank/what_if.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/execute/executor.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/session/session.hpp"
#include "measure/weights/perturbation.hpp"

namespace heft {
namespace {

std::vector<double> listOf(const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kDouble).contiguous();
  const auto* data = values.const_data_ptr<double>();
  return {data, data + values.numel()};
}

/// `table` is [samples, elements].
OutputSummary summaryOf(const at::Tensor& table, const OutputLayout& layout) {
  const auto classes = layout.classes();
  const auto scale = layout.scale();
  OutputSummary summary;
  const auto squares = table.square();
  summary.mean = listOf(table.mean(0) / scale);
  summary.rms = listOf(squares.mean(0).sqrt() / scale);
  if (classes > 1 && table.size(1) > classes) {
    summary.class_mean = listOf(table.reshape({-1, classes}).mean(0));
    summary.class_rms = listOf(squares.reshape({-1, classes}).mean(0).sqrt());
  }
  summary.sample_rms = listOf(squares.mean(1).sqrt());
  summary.all_rms = squares.mean().sqrt().item<double>();
  const OutputMetrics whole(at::zeros_like(table), 1, std::nullopt, {layout.realParts(), scale});
  summary.all_max = whole.measure(Metric::max, table.unsqueeze(0)).value.item<double>();
  return summary;
}

std::optional<double> accuracyOf(const at::Tensor& table, const std::optional<Targets>& targets, int64_t classes) {
  if (!targets || !targets->classes.defined()) return std::nullopt;
  return accuracy(table.unsqueeze(0), *targets, classes).item<double>();
}

/// Changes components, runs and sums up.
class Asker {
 public:
  Asker(Session& session, const WhatIfSettings& settings)
      : session_(session),
        settings_(settings),
        executor_(makeLoopExecutor(session.runner(), session.layout())),
        metrics_(metricsOf(session)) {
    if (settings_.metrics.empty()) settings_.metrics = applicableMetrics(session);
    requireMetrics(session, settings_.metrics);
  }

  WhatIf ask(const Component& component) {
    WhatIf found;
    found.name = component.name;
    found.path = component.path;
    const Variant variant = variantOf(component, found);
    at::Tensor outputs;
    executor_->execute({&variant, 1}, [&](size_t, const at::Tensor& received) { outputs = received.clone(); });
    for (const auto metric : settings_.metrics) {
      const auto values = metrics_.measure(metric, outputs);
      found.impacts.push_back({metric, values.value.item<double>(),
                               standardError(metric, values.sample, session_.together()).item<double>()});
    }
    const auto classes = session_.layout().classes();
    found.change = summaryOf(outputs[0] - session_.baseline(), session_.layout());
    if (const auto& targets = session_.targets()) {
      found.loss = meanLoss(outputs[0], *targets, classes);
      found.loss_change = signedLoss(metrics_.measure(Metric::loss, outputs).sample).item<double>();
      found.accuracy = accuracyOf(outputs[0], targets, classes);
    }
    return found;
  }

 private:
  struct Matrix {
    std::vector<double> values;
    std::unique_ptr<Perturber> perturber;
  };

  Matrix& matrixOf(int64_t parameter) {
    auto& matrix = matrices_[parameter];
    if (matrix.perturber == nullptr) {
      matrix.values = listOf(session_.model().parameters[static_cast<size_t>(parameter)].value.detach());
      matrix.perturber = std::make_unique<Perturber>(matrix.values, settings_.perturbation, settings_.seed, parameter);
    }
    return matrix;
  }

  Variant variantOf(const Component& component, WhatIf& found) {
    Variant variant;
    double sum = 0, squares = 0;
    for (const auto& set : component.sets) {
      const auto& matrix = matrixOf(set.parameter);
      variant.changes.push_back({set.parameter, set.index, matrix.perturber->change(set.index)});
      for (size_t i = 0; i < set.index.size(); ++i) {
        const double weight = matrix.values[static_cast<size_t>(set.index[i])];
        const double value = variant.changes.back().value[i];
        if (component.weights() == 1) {
          found.from = weight;
          found.to = value;
        }
        found.moved += value != weight;
        sum += std::abs(weight);
        squares += weight * weight;
        found.largest_magnitude = std::max(found.largest_magnitude, std::abs(weight));
      }
    }
    found.weights = component.weights();
    found.mean_magnitude = sum / static_cast<double>(found.weights);
    found.norm = std::sqrt(squares);
    return variant;
  }

  Session& session_;
  WhatIfSettings settings_;
  std::unique_ptr<Executor> executor_;
  OutputMetrics metrics_;
  std::map<int64_t, Matrix> matrices_;
};

}  // namespace

std::vector<Metric> applicableMetrics(const Session& session) {
  std::vector<Metric> metrics{Metric::rms, Metric::max};
  const auto& targets = session.targets();
  const bool regression = targets && targets->values.defined();
  if (session.layout().classes() > 1 && !regression) metrics.insert(metrics.end(), {Metric::kl, Metric::flips});
  if (targets) metrics.push_back(Metric::loss);
  return metrics;
}

Component together(const std::vector<Component>& components) {
  std::map<int64_t, std::set<int64_t>> places;
  Component all;
  for (const auto& component : components) {
    all.name += (all.name.empty() ? "" : " + ") + component.name;
    for (const auto& set : component.sets) places[set.parameter].insert(set.index.begin(), set.index.end());
  }
  for (const auto& [parameter, index] : places) all.sets.push_back({parameter, {index.begin(), index.end()}});
  return all;
}

WhatIfReport askWhatIf(Session& session, const WhatIfSettings& settings, const std::vector<Component>& components,
                       const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  const auto classes = session.layout().classes();
  Asker asker(session, settings);
  WhatIfReport report;
  for (const auto& piece : session.layout().pieces())
    report.pieces.push_back({piece.path, piece.shape, piece.first, piece.order});
  report.samples = session.baseline().size(0);
  report.classes = classes;
  report.baseline = summaryOf(session.finiteBaseline(), session.layout());
  if (session.targets()) report.loss = meanLoss(session.baseline(), *session.targets(), classes);
  report.accuracy = accuracyOf(session.baseline(), session.targets(), classes);
  for (const auto& component : components) {
    progress(static_cast<double>(report.variants.size()) / static_cast<double>(components.size()));
    report.variants.push_back(asker.ask(component));
  }
  return report;
}

}  // namespace heft
