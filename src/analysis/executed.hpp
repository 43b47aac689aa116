#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/settle.hpp"

namespace heft {

/// What settle has executed so far, and what it tells about the rest.
class Executed {
 public:
  /// `others`: impacts of executed weights that have no estimate.
  Executed(const Estimates& estimates, std::size_t k, std::span<const double> others);

  /// Executes those of `flat` that were not executed yet; says how many of them had an impact above the
  /// threshold before.
  std::size_t execute(std::span<const std::size_t> flat, std::string_view purpose, const MeasureImpacts& measure);

  [[nodiscard]] bool has(std::size_t flat) const { return done_[flat] != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return weights_.size(); }
  /// Executed weights, others too.
  [[nodiscard]] std::size_t placed() const noexcept { return weights_.size() + others_.size(); }
  [[nodiscard]] double threshold() const noexcept { return threshold_; }
  /// In flat order.
  [[nodiscard]] std::vector<ExecutedWeight> inFlatOrder() const;
  /// The impacts of these weights, all of them executed.
  [[nodiscard]] std::vector<double> impactsOf(std::span<const std::size_t> flat) const;
  [[nodiscard]] std::vector<std::size_t> top() const;

  /// By parameter: the worst finite ratio of impact to estimate near the threshold, at least 1.
  [[nodiscard]] std::vector<double> worstRatios() const;
  /// By parameter: what stands for an estimate of zero.
  [[nodiscard]] std::vector<double> zeroEstimates() const;

 private:
  struct Weight {
    std::size_t flat, parameter;
    double estimate, impact;
  };

  void setThreshold();

  const Estimates& estimates_;
  std::size_t k_;
  std::vector<double> others_;
  double threshold_ = 0;
  std::vector<Weight> weights_;
  std::vector<std::uint8_t> done_;
  std::vector<double> largest_zero_;  // by parameter: largest impact of a weight of estimate zero; -1: none executed
};

}  // namespace heft
