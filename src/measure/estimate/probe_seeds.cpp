#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/random.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "measure/estimate/response_seeds.hpp"

namespace heft {
namespace {

/// Independent +-1 for every output of every sample.
at::Tensor signs(at::IntArrayRef shape, uint64_t seed, std::string_view purpose, int64_t index) {
  auto tensor = at::empty(shape, at::kDouble);
  auto* data = tensor.mutable_data_ptr<double>();
  Random random(seed, purpose, static_cast<uint64_t>(index));
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = random.sign();
  return tensor;
}

class ProbeSeeds : public ResponseSeeds {
 public:
  ProbeSeeds(const OutputView& view, std::span<const Metric> metrics, int64_t probes, uint64_t seed)
      : baseline_(view.baseline.to(at::kCPU)),
        samples_(view.baseline.size(0)),
        elements_(view.baseline.size(1)),
        classes_(view.classes),
        targets_(view.targets),
        together_(view.one_sample ? 1 : view.together),
        one_sample_(view.one_sample),
        metrics_(metrics.begin(), metrics.end()),
        probes_(probes),
        seed_(seed) {
    const auto wants = [&](Metric metric) {
      return std::find(metrics_.begin(), metrics_.end(), metric) != metrics_.end();
    };
    const auto alone =
        std::find_if(metrics_.begin(), metrics_.end(), [](Metric metric) { return !facts(metric).by_probes; });
    if (alone != metrics_.end()) {
      throw Error(Fault::unsupported, "estimating " + std::string(name(*alone)) +
                                          " takes each output by itself, and these are " + std::to_string(elements_) +
                                          " a sample; score fewer with " + settingName("output-target") + ", or use " +
                                          settingName("method") + " exhaustive");
    }
    const bool classes_are_targets = targets_ && targets_->classes.defined();
    const bool plain = wants(Metric::rms) || (wants(Metric::loss) && !classes_are_targets);
    const bool fisher = wants(Metric::kl) || (wants(Metric::loss) && classes_are_targets);
    if (plain) plain_first_ = take(probes_);
    if (fisher) fisher_first_ = take(probes_);
    loss_first_ = plain_first_;
    if (wants(Metric::loss) && classes_are_targets) {
      // The places that targets leave out have no part in the loss, and all in kl.
      loss_first_ = targets_->weight.defined() && wants(Metric::kl) ? take(probes_) : fisher_first_;
      if (targets_->weight.defined() && wants(Metric::kl)) weighted_first_ = loss_first_;
      all_weighted_ = targets_->weight.defined() && !wants(Metric::kl);
    }
    if (wants(Metric::loss)) gradient_ = take(1);
    probability_ = baseline_.view({samples_, -1, classes_}).softmax(-1);
  }

  [[nodiscard]] Seeds seeds() const override {
    return {[this](int64_t index) {
              return seed(index).reshape({one_sample_ ? 1 : samples_, -1});
            },
            count_,
            /*random=*/true};
  }

  [[nodiscard]] size_t values() const override { return metrics_.size(); }

  void reduceSquares(const float* block, int64_t kept, int64_t columns, const ColumnImpacts& out) const override {
    const double scale = metrics_[0] == Metric::rms ? 1 / static_cast<double>(elements_)
                                                    : 0.5 / static_cast<double>(elements_ / classes_);
    std::vector<double> sum(static_cast<size_t>(columns)), sum2(sum);
    std::vector<double> draws(sum);
    for (int64_t row = 0; row < samples_; ++row)
      add(row, squares(block + row * kept * columns, 0, kept, columns, scale), draws, sum, sum2);
    finish(metrics_[0], samples_ / together_, sum, sum2, out.impact[0], out.standard_error[0]);
  }

  [[nodiscard]] std::optional<SquareForm> squareForm(int64_t kept) const override {
    const bool fewer = kept != count_;
    const auto together = static_cast<double>(one_sample_ ? samples_ : 1);
    const auto probes = static_cast<double>(probes_);
    SquareForm form{one_sample_ ? 1 : samples_, {}, together_};
    for (const auto metric : metrics_) {
      const bool plain = metric == Metric::rms || (metric == Metric::loss && !targets_->classes.defined());
      const auto outputs = static_cast<double>(plain ? elements_ : elements_ / classes_) * together;
      SquareValue value{metric == Metric::loss ? loss_first_
                        : plain                ? plain_first_
                                               : fisher_first_,
                        probes_, (plain ? 1 : 0.5) / outputs / probes, metric == Metric::rms};
      if (fewer) {
        value.first = 0;
        value.count = kept;
      }
      if (metric == Metric::loss) {
        value.linear = gradient_;
        value.slope = 1 / together;
      }
      form.values.push_back(value);
    }
    return form;
  }

  void reduce(const float* block, int64_t columns, const ColumnImpacts& out) const override {
    const int64_t rows = one_sample_ ? 1 : samples_;
    const auto together = static_cast<double>(one_sample_ ? samples_ : 1);  // samples that one row of the block adds up
    const auto groups = static_cast<double>(elements_ / classes_) * together;
    const auto elements = static_cast<double>(elements_) * together;
    for (size_t m = 0; m < metrics_.size(); ++m) {
      std::vector<double> sum(static_cast<size_t>(columns)), sum2(sum), draws(sum);
      for (int64_t row = 0; row < rows; ++row) {
        const float* responses = block + row * count_ * columns;
        auto value = valueOf(metrics_[m], responses, columns, elements, groups);
        if (metrics_[m] == Metric::loss) {
          const float* line = responses + gradient_ * columns;
          for (size_t j = 0; j < value.size(); ++j) value[j] += static_cast<double>(line[j]) / together;
        }
        add(row, value, draws, sum, sum2);
      }
      finish(metrics_[m], rows / together_, sum, sum2, out.impact[m], out.standard_error[m]);
    }
  }

 private:
  /// The quadratic part of a metric, [columns]. Each metric is named, so that a new one can't be taken for another.
  [[nodiscard]] std::vector<double> valueOf(Metric metric, const float* responses, int64_t columns, double elements,
                                            double groups) const {
    switch (metric) {
      case Metric::rms:
        return squares(responses, plain_first_, probes_, columns, 1 / elements);
      case Metric::kl:
        return squares(responses, fisher_first_, probes_, columns, 0.5 / groups);
      case Metric::loss:
        return squares(responses, loss_first_, probes_, columns,
                       targets_->classes.defined() ? 0.5 / groups : 1 / elements);
      default:
        break;
    }
    throw Error(Fault::internal, "probes can't stand in for outputs under " + std::string(name(metric)));
  }

  int64_t take(int64_t count) {
    const auto first = count_;
    count_ += count;
    return first;
  }

  [[nodiscard]] at::Tensor seed(int64_t index) const {
    if (index == gradient_) return lossGradient();
    if (plain_first_ >= 0 && index >= plain_first_ && index < plain_first_ + probes_) {
      return signs({samples_, elements_}, seed_, "probe", index - plain_first_);
    }
    // s = sum_k xi_k sqrt(p_k) (e_k - p) has E[s s^T] = diag(p) - p p^T.
    const bool of_loss = all_weighted_ || (weighted_first_ >= 0 && index >= weighted_first_);
    const auto first = of_loss ? loss_first_ : fisher_first_;
    const auto drawn = signs(probability_.sizes(), seed_, "fisher probe", index - first) * probability_.sqrt();
    const auto probe = drawn - drawn.sum(-1, true) * probability_;
    return of_loss ? probe * targets_->weight.to(at::kCPU).sqrt().unsqueeze(-1) : probe;
  }

  [[nodiscard]] at::Tensor lossGradient() const {
    if (targets_->classes.defined()) {
      const auto one = at::one_hot(targets_->classes.to(at::kCPU), classes_).to(at::kDouble);
      const auto gradient = (probability_ - one) / static_cast<double>(elements_ / classes_);
      return targets_->weight.defined() ? gradient * targets_->weight.to(at::kCPU).unsqueeze(-1) : gradient;
    }
    return 2 * (baseline_ - targets_->values.to(at::kCPU)) / static_cast<double>(elements_);
  }

  /// Adds a row's value; draws of one sample follow one another, and their mean is the sample's.
  void add(int64_t row, const std::vector<double>& value, std::vector<double>& draws, std::vector<double>& sum,
           std::vector<double>& sum2) const {
    const bool last = (row + 1) % together_ == 0;
    for (size_t j = 0; j < value.size(); ++j) {
      draws[j] += value[j];
      if (!last) continue;
      const double mean = draws[j] / static_cast<double>(together_);
      sum[j] += mean;
      sum2[j] += mean * mean;
      draws[j] = 0;
    }
  }

  /// scale x mean over probes of the squared responses, [columns]; `seeds` of them from `first` on add up to it.
  [[nodiscard]] std::vector<double> squares(const float* responses, int64_t first, int64_t seeds, int64_t columns,
                                            double scale) const {
    std::vector<double> sum(static_cast<size_t>(columns));
    for (int64_t k = first; k < first + seeds; ++k) {
      const float* line = responses + k * columns;
      for (size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(line[j]) * static_cast<double>(line[j]);
    }
    for (auto& one : sum) one *= scale / static_cast<double>(probes_);
    return sum;
  }

  void finish(Metric metric, int64_t rows, const std::vector<double>& sum, const std::vector<double>& sum2,
              double* impact, float* error) const {
    const auto n = static_cast<double>(rows);
    for (size_t j = 0; j < sum.size(); ++j) {
      const double mean = sum[j] / n;
      const double deviation = std::sqrt(std::max(0.0, (sum2[j] / n - mean * mean) / (n - 1)));
      impact[j] = metric == Metric::rms ? std::sqrt(mean) : std::abs(mean);
      const double of_value = metric != Metric::rms ? deviation : mean > 0 ? deviation / (2 * impact[j]) : 0.0;
      error[j] = rows < 2 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(of_value);
    }
  }

  at::Tensor baseline_;
  int64_t samples_, elements_, classes_;
  std::optional<Targets> targets_;
  int64_t together_;  ///< draws of a sample; 1 where the batch counts as one
  bool one_sample_;
  std::vector<Metric> metrics_;
  int64_t probes_;
  uint64_t seed_;
  at::Tensor probability_;  ///< [samples, groups, classes]
  int64_t count_ = 0, plain_first_ = -1, fisher_first_ = -1, loss_first_ = -1, weighted_first_ = -1, gradient_ = -1;
  bool all_weighted_ = false;  ///< the loss alone takes Fisher probes, of the places that count
};

}  // namespace

std::unique_ptr<ResponseSeeds> probeSeeds(const OutputView& view, std::span<const Metric> metrics, int64_t probes,
                                          uint64_t seed) {
  return std::make_unique<ProbeSeeds>(view, metrics, probes, seed);
}

}  // namespace heft
