#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "measure/estimate/response_seeds.hpp"

namespace heft {
namespace {

/// rms from [samples x together, seeds, columns], without leaving the block; the seeds' squares add up to those of `elements`
/// outputs.
void reduceRms(const float* block, int64_t samples, int64_t together, int64_t seeds, int64_t elements, int64_t columns,
               double* impact, float* error) {
  std::vector<double> one(static_cast<size_t>(columns)), sum(one), sum2(one);
  for (int64_t b = 0; b < samples; ++b) {
    std::fill(one.begin(), one.end(), 0.0);
    for (int64_t k = 0; k < together * seeds; ++k) {
      const float* line = block + (b * together * seeds + k) * columns;
      for (size_t j = 0; j < one.size(); ++j) one[j] += static_cast<double>(line[j]) * static_cast<double>(line[j]);
    }
    for (size_t j = 0; j < one.size(); ++j) {
      const double square = one[j] / static_cast<double>(elements * together);
      sum[j] += square;
      sum2[j] += square * square;
    }
  }
  const auto n = static_cast<double>(samples);
  for (size_t j = 0; j < one.size(); ++j) {
    const double mean = sum[j] / n;
    impact[j] = std::sqrt(mean);
    // Delta method: sd(sqrt m) = sd(m) / (2 sqrt m).
    const double variance = std::max(0.0, (sum2[j] / n - mean * mean) * n / (n - 1)) / n;
    error[j] = samples < 2 ? std::numeric_limits<float>::quiet_NaN()
                           : static_cast<float>(mean > 0 ? std::sqrt(variance) / (2 * impact[j]) : 0.0);
  }
}

/// 1/2 dy^T F dy, F = diag(p) - p p^T of each group of classes, from [samples, elements, columns]; `probability` is [samples, elements],
/// where draws of one sample stand among its elements.
void reduceCurvature(const float* block, const at::Tensor& probability, int64_t classes, int64_t columns,
                     double* impact, float* error) {
  const auto samples = probability.size(0), elements = probability.size(1);
  const auto* p = probability.const_data_ptr<double>();
  std::vector<double> one(static_cast<size_t>(columns)), mean(one), squares(one), sum(one), sum2(one);
  for (int64_t b = 0; b < samples; ++b) {
    std::fill(one.begin(), one.end(), 0.0);
    for (int64_t first = 0; first < elements; first += classes) {
      std::fill(mean.begin(), mean.end(), 0.0);
      std::fill(squares.begin(), squares.end(), 0.0);
      for (int64_t k = first; k < first + classes; ++k) {
        const float* line = block + (b * elements + k) * columns;
        const double weight = p[b * elements + k];
        for (size_t j = 0; j < one.size(); ++j) {
          const auto change = static_cast<double>(line[j]);
          mean[j] += weight * change;
          squares[j] += weight * change * change;
        }
      }
      for (size_t j = 0; j < one.size(); ++j) one[j] += std::max(0.0, squares[j] - mean[j] * mean[j]);
    }
    for (size_t j = 0; j < one.size(); ++j) {
      const double value = 0.5 * one[j] * static_cast<double>(classes) / static_cast<double>(elements);
      sum[j] += value;
      sum2[j] += value * value;
    }
  }
  const auto n = static_cast<double>(samples);
  for (size_t j = 0; j < one.size(); ++j) {
    impact[j] = sum[j] / n;
    const double deviation = std::sqrt(std::max(0.0, sum2[j] / n - impact[j] * impact[j]) / (n - 1));
    error[j] = samples < 2 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(deviation);
  }
}

class ExactSeeds : public ResponseSeeds {
 public:
  ExactSeeds(const OutputView& view, std::span<const Metric> metrics, bool curvature)
      : samples_(view.baseline.size(0)),
        elements_(view.baseline.size(1)),
        together_(view.together),
        one_sample_(view.one_sample),
        metrics_(metrics.begin(), metrics.end()),
        baseline_(view.baseline.to(at::kCPU)),
        output_metrics_(baseline_, view.classes, view.targets, view.complex) {
    if (!curvature) return;
    classes_ = view.classes;
    probability_ =
        baseline_.view({samples_, -1, classes_}).softmax(-1).reshape({samples_ / together_, -1}).contiguous();
  }

  [[nodiscard]] Seeds seeds() const override {
    const int64_t rows = one_sample_ ? 1 : samples_;
    const int64_t columns = one_sample_ ? samples_ * elements_ : elements_;
    // The same output in all samples: they don't influence each other, so one adjoint serves all of them.
    return {[rows, columns](int64_t index) {
              auto seed = at::zeros({rows, columns}, at::kDouble);
              seed.select(1, index).fill_(1);
              return seed;
            },
            columns};
  }

  [[nodiscard]] size_t values() const override { return metrics_.size(); }

  void reduceSquares(const float* block, int64_t kept, int64_t columns, const ColumnImpacts& out) const override {
    reduceRms(block, samples_ / together_, together_, kept, elements_, columns, out.impact[0], out.standard_error[0]);
  }

  [[nodiscard]] std::optional<SquareForm> squareForm(int64_t kept) const override {
    if (std::any_of(metrics_.begin(), metrics_.end(), [](Metric metric) { return metric != Metric::rms; }))
      return std::nullopt;
    const SquareValue rms{0, one_sample_ ? elements_ : kept, 1 / static_cast<double>(elements_), true};
    return SquareForm{samples_, std::vector(metrics_.size(), rms), together_};
  }

  void reduce(const float* block, int64_t columns, const ColumnImpacts& out) const override {
    at::Tensor outputs;
    for (size_t m = 0; m < metrics_.size(); ++m) {
      if (metrics_[m] == Metric::rms) {
        reduceRms(block, samples_ / together_, together_, elements_, elements_, columns, out.impact[m],
                  out.standard_error[m]);
        continue;
      }
      if (metrics_[m] == Metric::kl && probability_.defined()) {
        reduceCurvature(block, probability_, classes_, columns, out.impact[m], out.standard_error[m]);
        continue;
      }
      if (!outputs.defined()) {
        const auto change = at::from_blob(const_cast<float*>(block), {samples_, elements_, columns}, at::kFloat);
        outputs = change.permute({2, 0, 1}).to(at::kDouble) + baseline_;
      }
      const auto measured = output_metrics_.measure(metrics_[m], outputs);
      const auto value = measured.value.contiguous();
      const auto error = standardError(metrics_[m], measured.sample, together_).to(at::kFloat).contiguous();
      std::copy_n(value.const_data_ptr<double>(), columns, out.impact[m]);
      std::copy_n(error.const_data_ptr<float>(), columns, out.standard_error[m]);
    }
  }

 private:
  int64_t samples_, elements_, together_;
  bool one_sample_;
  std::vector<Metric> metrics_;
  at::Tensor baseline_;
  OutputMetrics output_metrics_;
  int64_t classes_ = 0;
  at::Tensor probability_;  ///< defined: kl to second order
};

}  // namespace

std::unique_ptr<ResponseSeeds> exactSeeds(const OutputView& view, std::span<const Metric> metrics, bool curvature) {
  return std::make_unique<ExactSeeds>(view, metrics, curvature);
}

}  // namespace heft
