#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "heft/error.hpp"
#include "measure/estimate/response_seeds.hpp"

namespace heft {
namespace {

/// d loss / d output, [samples, elements], of each sample's own loss.
at::Tensor lossGradient(const OutputView& view) {
  const auto baseline = view.baseline.to(at::kCPU);
  const auto elements = static_cast<double>(baseline.size(1));
  const auto& targets = view.targets;
  if (targets && targets->values.defined()) return 2 * (baseline - targets->values.to(at::kCPU)) / elements;
  if (view.classes < 2) return baseline / elements;
  const auto scores = baseline.view({baseline.size(0), -1, view.classes});
  const auto wanted = targets ? targets->classes.to(at::kCPU) : scores.argmax(-1);
  const auto one = at::one_hot(wanted, view.classes).to(at::kDouble);
  const auto groups = elements / static_cast<double>(view.classes);
  auto gradient = (scores.softmax(-1) - one) / groups;
  if (targets && targets->weight.defined()) gradient = gradient * targets->weight.to(at::kCPU).unsqueeze(-1);
  return gradient.view(baseline.sizes());
}

class LossGradientSeeds : public ResponseSeeds {
 public:
  explicit LossGradientSeeds(const OutputView& view)
      : gradient_(lossGradient(view)), samples_(view.one_sample ? 1 : view.baseline.size(0)) {
    // A batch that counts as one sample has one loss, the mean of its samples'.
    if (view.one_sample) gradient_ = gradient_.reshape({1, -1}) / static_cast<double>(view.baseline.size(0));
  }

  [[nodiscard]] Seeds seeds() const override {
    return {[this](int64_t) { return gradient_; }, 1};
  }
  [[nodiscard]] size_t values() const override { return 3; }

  void reduce(const float* block, int64_t columns, const ColumnImpacts& out) const override {
    const auto n = static_cast<double>(samples_);
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0, sizes = 0, squares = 0;
      for (int64_t sample = 0; sample < samples_; ++sample) {
        const auto one = static_cast<double>(block[sample * columns + j]);
        sum += one;
        sizes += std::abs(one);
        squares += one * one;
      }
      out.impact[0][j] = sizes / n;
      out.impact[1][j] = squares / n;
      out.impact[2][j] = std::abs(sum / n);
      for (auto* error : out.standard_error) error[j] = std::numeric_limits<float>::quiet_NaN();
    }
  }

  void reduceSquares(const float*, int64_t, int64_t, const ColumnImpacts&) const override {
    throw Error(Fault::internal, "the gradient of a loss is not a sum of squares");
  }

 private:
  at::Tensor gradient_;
  int64_t samples_;
};

}  // namespace

std::unique_ptr<ResponseSeeds> lossGradientSeeds(const OutputView& view) {
  return std::make_unique<LossGradientSeeds>(view);
}

}  // namespace heft
