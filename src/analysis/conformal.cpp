#include "analysis/conformal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "analysis/stratify.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Sums such as (n + 1) * 0.025 must not miss a whole number by their last bit.
constexpr double kSlack = 1e-12;

/// Some strata whose draws are taken together.
struct Pool {
  std::vector<std::size_t> strata;
  std::vector<WeightedValue> values;
  double own = 0;      // the largest weight of a stratum
  double outside = 0;  // the population of strata without a draw
};

class Pools {
 public:
  Pools(std::span<const CalibrationPair> pairs, std::span<const std::size_t> populations, double alpha)
      : populations_(populations), values_(populations.size()), alpha_(alpha) {
    for (const CalibrationPair& pair : pairs) {
      const double value = Strata::isZero(pair.stratum) ? pair.measured : pair.measured / pair.estimate;
      values_[pair.stratum].push_back(value);
    }
  }

  [[nodiscard]] bool populated(std::size_t stratum) const { return populations_[stratum] > 0; }

  [[nodiscard]] Pool join(std::vector<std::size_t> strata) const {
    Pool pool{std::move(strata), {}, 0, 0};
    for (const std::size_t s : pool.strata) {
      const auto population = static_cast<double>(populations_[s]);
      if (values_[s].empty()) {
        pool.outside += population;
        continue;
      }
      const double weight = population / static_cast<double>(values_[s].size());
      for (const double value : values_[s]) pool.values.push_back({value, weight});
      pool.own = std::max(pool.own, weight);
    }
    return pool;
  }

  [[nodiscard]] Interval bounds(const Pool& pool, bool zero) const {
    return conformalBounds(pool.values, pool.own, pool.outside, zero ? 0 : alpha_ / 2, zero ? alpha_ : alpha_ / 2);
  }

  [[nodiscard]] bool suffices(const Pool& pool, bool zero) const {
    return !pool.values.empty() && std::isfinite(bounds(pool, zero).upper);
  }

 private:
  std::span<const std::size_t> populations_;
  std::vector<std::vector<double>> values_;
  double alpha_;
};

/// The strata of one matrix in groups of neighbours, each large enough; no group if the matrix is too small.
std::vector<std::vector<std::size_t>> groupsOf(const Pools& pools, const std::vector<std::size_t>& strata) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<std::size_t> group;
  for (const std::size_t s : strata) {
    group.push_back(s);
    if (!pools.suffices(pools.join(group), false)) continue;
    groups.push_back(std::move(group));
    group.clear();
  }
  if (group.empty() || groups.empty()) return groups;
  // The rest is too small alone. Walking back, it takes in neighbours until the draws suffice.
  while (!groups.empty()) {
    group.insert(group.begin(), groups.back().begin(), groups.back().end());
    groups.pop_back();
    if (pools.suffices(pools.join(group), false)) {
      groups.push_back(std::move(group));
      break;
    }
  }
  return groups;
}

/// Takes strata into pools and writes down the rule of each.
class PoolBuilder {
 public:
  PoolBuilder(const Pools& pools, std::span<const std::size_t> populations, std::vector<IntervalRule>& rules)
      : pools_(pools), populations_(populations), rules_(rules) {}

  /// The strata of one matrix, the first of which is that of estimates of zero. What is too small is kept for
  /// joinSmall().
  void addMatrix(std::size_t first) {
    if (pools_.populated(first)) {
      if (set({first}, PoolLevel::stratum, true)) {
        zeros_.push_back({first});
      } else {
        small_zero_.push_back(first);
      }
    }
    std::vector<std::size_t> strata;
    for (std::size_t s = first + Strata::kPerParameter - 1; s > first; --s) {
      if (pools_.populated(s)) strata.push_back(s);
    }
    const auto groups = groupsOf(pools_, strata);
    if (groups.empty()) {
      small_.insert(small_.end(), strata.begin(), strata.end());
    } else {
      matrices_.push_back(strata);
    }
    for (const auto& group : groups) {
      const bool whole = groups.size() == 1;
      set(group, group.size() == 1 ? PoolLevel::stratum : whole ? PoolLevel::matrix : PoolLevel::deciles, false);
    }
  }

  /// After the last matrix.
  void joinSmall() {
    join(small_, matrices_, false);
    join(small_zero_, zeros_, true);
  }

 private:
  bool set(const std::vector<std::size_t>& strata, PoolLevel level, bool zero) {
    const Pool pool = pools_.join(strata);
    const bool enough = pools_.suffices(pool, zero);
    const Interval bounds = enough ? pools_.bounds(pool, zero) : Interval{0, kInfinity};
    for (const std::size_t s : strata) {
      rules_[s] = {bounds.lower, bounds.upper, enough ? level : PoolLevel::none, pool.values.size()};
    }
    return enough;
  }

  [[nodiscard]] std::size_t population(const std::vector<std::size_t>& strata) const {
    return std::accumulate(strata.begin(), strata.end(), std::size_t{0},
                           [&](std::size_t sum, std::size_t s) { return sum + populations_[s]; });
  }

  void join(std::vector<std::size_t> some, std::vector<std::vector<std::size_t>>& others, bool zero) {
    if (some.empty()) return;
    std::stable_sort(others.begin(), others.end(),
                     [&](const auto& x, const auto& y) { return population(x) < population(y); });
    // A matrix that joins has its rules replaced: pools must stay a partition.
    for (auto next = others.begin(); !pools_.suffices(pools_.join(some), zero) && next != others.end(); ++next) {
      some.insert(some.end(), next->begin(), next->end());
    }
    if (pools_.suffices(pools_.join(some), zero)) set(some, PoolLevel::matrices, zero);
  }

  const Pools& pools_;
  std::span<const std::size_t> populations_;
  std::vector<IntervalRule>& rules_;
  std::vector<std::vector<std::size_t>> matrices_, zeros_;  // large enough by themselves
  std::vector<std::size_t> small_, small_zero_;
};

}  // namespace

std::string_view name(PoolLevel level) noexcept {
  switch (level) {
    case PoolLevel::stratum:
      return "stratum";
    case PoolLevel::deciles:
      return "deciles";
    case PoolLevel::matrix:
      return "matrix";
    case PoolLevel::matrices:
      return "matrices";
    case PoolLevel::none:
      break;
  }
  return "none";
}

Interval conformalBounds(std::vector<WeightedValue> values, double own, double outside, double below, double above) {
  std::sort(values.begin(), values.end(), [](const auto& x, const auto& y) { return x.value < y.value; });
  const double total = std::accumulate(values.begin(), values.end(), own + outside,
                                       [](double sum, const auto& v) { return sum + v.weight; });
  Interval bounds{0, kInfinity};
  // A further draw lies below values[i] only if it takes one of the i + 1 places there are: weight of i
  // values and its own.
  double beyond = own + outside;
  for (std::size_t i = 0; i < values.size() && beyond <= (below + kSlack) * total; ++i) {
    bounds.lower = values[i].value;
    beyond += values[i].weight;
  }
  beyond = own + outside;
  for (std::size_t i = values.size(); i > 0 && beyond <= (above + kSlack) * total; --i) {
    bounds.upper = values[i - 1].value;
    beyond += values[i - 1].weight;
  }
  return bounds;
}

Conformal::Conformal(std::span<const CalibrationPair> pairs, std::span<const std::size_t> populations, double alpha)
    : rules_(populations.size()) {
  if (!(alpha > 0 && alpha < 1)) {
    throw Error(Fault::internal, "alpha must lie between 0 and 1, found " + std::to_string(alpha));
  }
  for (const CalibrationPair& pair : pairs) {
    if (pair.measured >= 0) continue;
    throw Error(Fault::internal, "a measured impact can't be negative or NaN, found " + std::to_string(pair.measured));
  }
  const Pools pools(pairs, populations, alpha);
  PoolBuilder builder(pools, populations, rules_);
  for (std::size_t first = 0; first < populations.size(); first += Strata::kPerParameter) builder.addMatrix(first);
  builder.joinSmall();
}

Interval Conformal::interval(std::size_t stratum, double estimate) const {
  const IntervalRule& r = rules_[stratum];
  if (Strata::isZero(stratum)) return {0, r.high};
  return {r.low * estimate, r.high * estimate};
}

}  // namespace heft
