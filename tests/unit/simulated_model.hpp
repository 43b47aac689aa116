#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "analysis/random.hpp"
#include "analysis/settle.hpp"
#include "analysis/stratify.hpp"

namespace heft::test {

/// Says by how much the true impact of a weight exceeds its estimate, and may depend on both.
using DrawRatio = std::function<double(Random& random, std::size_t parameter, double estimate)>;

/// Weights with log-normal estimates and impacts = estimate x ratio.
class SimulatedModel {
 public:
  SimulatedModel(const std::vector<std::size_t>& sizes, double sigma, std::uint64_t seed, const DrawRatio& ratio) {
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      Random random(seed, "simulated model", p);
      estimates_.emplace_back();
      for (std::size_t i = 0; i < sizes[p]; ++i) {
        const double estimate = std::exp(sigma * random.normal());
        estimates_.back().push_back(estimate);
        impacts_.push_back(estimate * ratio(random, p, estimate));
      }
    }
  }
  SimulatedModel(std::vector<std::vector<double>> estimates, std::vector<double> impacts)
      : estimates_(std::move(estimates)), impacts_(std::move(impacts)) {}

  [[nodiscard]] Estimates estimates() const {
    return Estimates(std::vector<std::span<const double>>(estimates_.begin(), estimates_.end()));
  }
  [[nodiscard]] const std::vector<double>& impacts() const { return impacts_; }

  [[nodiscard]] std::vector<double> measure(std::span<const std::size_t> flat) const {
    std::vector<double> list;
    for (const std::size_t f : flat) list.push_back(impacts_[f]);
    return list;
  }

  [[nodiscard]] SettleResult settle(const SettleOptions& options) const {
    return heft::settle(estimates(), options,
                        [this](std::span<const std::size_t> flat, std::string_view) { return measure(flat); });
  }

  /// How many weights that were not executed belong above the threshold.
  [[nodiscard]] std::size_t missing(const SettleResult& result) const {
    std::size_t above = 0, executed_above = 0;
    for (const double impact : impacts_) above += impact > result.threshold ? 1 : 0;
    for (const ExecutedWeight& w : result.impacts) executed_above += w.impact > result.threshold ? 1 : 0;
    return above - executed_above;
  }

 private:
  std::vector<std::vector<double>> estimates_;
  std::vector<double> impacts_;
};

/// The largest count of n events of probability p that chance exceeds in at most one case of a thousand.
inline int mostByChance(int n, double p) {
  double log_term = n * std::log1p(-p), tail = 1 - std::exp(log_term);
  int count = 0;
  while (tail > 1e-3) {
    log_term += std::log((n - count) / (count + 1.0)) + std::log(p / (1 - p));
    tail -= std::exp(log_term);
    ++count;
  }
  return count;
}

}  // namespace heft::test
