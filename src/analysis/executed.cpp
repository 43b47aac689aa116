#include "analysis/executed.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>

#include "heft/error.hpp"

namespace heft {
namespace {

// See step 2 of settle.hpp.
constexpr double kNear = 0.1;
constexpr std::size_t kEnoughNear = 20;

}  // namespace

Executed::Executed(const Estimates& estimates, std::size_t k, std::span<const double> others)
    : estimates_(estimates),
      k_(k),
      others_(others.begin(), others.end()),
      done_(estimates.size()),
      largest_zero_(estimates.parameters(), -1) {
  setThreshold();
}

void Executed::setThreshold() {
  if (k_ == 0 || placed() < k_) return;
  std::vector<double> sorted(others_);
  sorted.reserve(placed());
  for (const Weight& w : weights_) sorted.push_back(w.impact);
  const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
  std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
  threshold_ = *last;
}

std::size_t Executed::execute(std::span<const std::size_t> flat, std::string_view purpose,
                              const MeasureImpacts& measure) {
  std::vector<std::size_t> fresh;
  for (const std::size_t f : flat) {
    if (done_[f] == 0) fresh.push_back(f);
  }
  if (fresh.empty()) return 0;
  const std::vector<double> impacts = measure(fresh, purpose);
  if (impacts.size() != fresh.size()) {
    throw Error(Fault::internal, "expected " + std::to_string(fresh.size()) + " measured impacts, found " +
                                     std::to_string(impacts.size()));
  }
  std::size_t members = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (!(impacts[i] >= 0)) {
      throw Error(Fault::internal, "a measured impact can't be negative or NaN, found " + std::to_string(impacts[i]) +
                                       " at weight " + std::to_string(fresh[i]));
    }
    const std::size_t parameter = estimates_.parameterOf(fresh[i]);
    const double estimate = estimates_.at(fresh[i]);
    weights_.push_back({fresh[i], parameter, estimate, impacts[i]});
    done_[fresh[i]] = 1;
    if (estimate == 0) largest_zero_[parameter] = std::max(largest_zero_[parameter], impacts[i]);
    if (impacts[i] > threshold_) ++members;
  }
  setThreshold();
  return members;
}

std::vector<ExecutedWeight> Executed::inFlatOrder() const {
  std::vector<ExecutedWeight> list;
  list.reserve(weights_.size());
  for (const Weight& w : weights_) list.push_back({w.flat, w.impact});
  std::sort(list.begin(), list.end(), [](const auto& x, const auto& y) { return x.flat < y.flat; });
  return list;
}

std::vector<double> Executed::impactsOf(std::span<const std::size_t> flat) const {
  std::unordered_map<std::size_t, double> impact;
  for (const Weight& w : weights_) impact.emplace(w.flat, w.impact);
  std::vector<double> list;
  list.reserve(flat.size());
  for (const std::size_t f : flat) list.push_back(impact.at(f));
  return list;
}

std::vector<std::size_t> Executed::top() const {
  std::vector<ExecutedWeight> list = inFlatOrder();
  std::stable_sort(list.begin(), list.end(), [](const auto& x, const auto& y) { return x.impact > y.impact; });
  list.resize(std::min(k_, list.size()));
  std::vector<std::size_t> top;
  for (const ExecutedWeight& w : list) top.push_back(w.flat);
  return top;
}

std::vector<double> Executed::worstRatios() const {
  std::vector<double> own(estimates_.parameters(), 1);
  std::vector<std::size_t> near(own.size());
  double all = 1;
  for (const Weight& w : weights_) {
    const double ratio = w.impact / w.estimate;
    if (w.impact < kNear * threshold_ || w.impact == 0 || !std::isfinite(ratio)) continue;
    own[w.parameter] = std::max(own[w.parameter], ratio);
    ++near[w.parameter];
    all = std::max(all, ratio);
  }
  for (std::size_t p = 0; p < own.size(); ++p) {
    if (near[p] < kEnoughNear) own[p] = all;
  }
  return own;
}

std::vector<double> Executed::zeroEstimates() const {
  // Where a parameter's zeros have no draw, the largest of all parameters stands for them.
  double all = 0;
  for (const double own : largest_zero_) all = std::max(all, own);
  std::vector<double> zero;
  for (const double own : largest_zero_) zero.push_back(own < 0 ? all : own);
  return zero;
}

}  // namespace heft
