#include "analysis/conformal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/random.hpp"
#include "analysis/settle.hpp"
#include "analysis/stratify.hpp"
#include "heft/error.hpp"
#include "unit/simulated_model.hpp"

namespace heft {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<WeightedValue> upTo(int n) {
  std::vector<WeightedValue> values;
  for (int i = n; i >= 1; --i) values.push_back({static_cast<double>(i), 1});
  return values;
}

TEST(ConformalBounds, AreTheOrderStatisticsOfTheTextbookForEqualWeights) {
  for (const int n : {19, 38, 39, 40, 79, 200}) {
    const Interval bounds = conformalBounds(upTo(n), 1, 0, 0.025, 0.025);
    const double low = std::floor((n + 1) * 0.025 + 1e-9), high = std::ceil((n + 1) * 0.975 - 1e-9);
    EXPECT_EQ(bounds.lower, low) << n;
    EXPECT_EQ(bounds.upper, high > n ? kInfinity : high) << n;
  }
}

TEST(ConformalBounds, TooFewValuesBoundNothing) {
  EXPECT_EQ(conformalBounds(upTo(38), 1, 0, 0.025, 0.025).upper, kInfinity);
  EXPECT_EQ(conformalBounds(upTo(38), 1, 0, 0.025, 0.025).lower, 0);
  EXPECT_EQ(conformalBounds({}, 1, 0, 0.5, 0.5).upper, kInfinity);
}

TEST(ConformalBounds, WeightOfUnknownValueWidensThem) {
  const Interval known = conformalBounds(upTo(200), 1, 0, 0.025, 0.025);
  const Interval partly = conformalBounds(upTo(200), 1, 2, 0.025, 0.025);
  EXPECT_LT(partly.lower, known.lower);
  EXPECT_GT(partly.upper, known.upper);
  EXPECT_EQ(conformalBounds(upTo(200), 1, 10, 0.025, 0.025).upper, kInfinity);
}

TEST(ConformalBounds, HeavierValuesCountForMore) {
  // 90 values of weight 1 below 10 values of weight 9: half of the mass is above 90.
  auto values = upTo(100);
  for (auto& v : values) v.weight = v.value > 90 ? 9 : 1;
  EXPECT_GT(conformalBounds(values, 9, 0, 0.2, 0.2).upper, 95);
  EXPECT_LT(conformalBounds(values, 9, 0, 0.2, 0.6).upper, 91);
}

/// A stratum's pairs with ratios 1 ... n.
void addPairs(std::vector<CalibrationPair>& pairs, std::size_t stratum, int n, double scale = 1) {
  for (int i = 1; i <= n; ++i) pairs.push_back({stratum, 2, 2 * scale * i});
}

TEST(Conformal, AStratumWithEnoughDrawsHasItsOwnInterval) {
  std::vector<CalibrationPair> pairs;
  std::vector<std::size_t> populations(11, 0);
  populations[9] = populations[10] = 1000;
  addPairs(pairs, 9, 39);
  addPairs(pairs, 10, 39, 100);
  const Conformal conformal(pairs, populations, 0.05);
  EXPECT_EQ(conformal.rule(9).level, PoolLevel::stratum);
  EXPECT_EQ(conformal.rule(9).draws, 39U);
  EXPECT_EQ(conformal.interval(9, 10).lower, 10);
  EXPECT_EQ(conformal.interval(9, 10).upper, 390);
  EXPECT_EQ(conformal.interval(10, 10).upper, 39'000);
}

TEST(Conformal, SmallStrataJoinTheirNeighboursThenTheirMatrix) {
  std::vector<CalibrationPair> pairs;
  std::vector<std::size_t> populations(22, 0);
  for (std::size_t s = 1; s <= 10; ++s) {
    populations[s] = populations[11 + s] = 100;
    addPairs(pairs, s, 25);      // 2 strata suffice
    addPairs(pairs, 11 + s, 5);  // 8 strata suffice, and 2 are left over
  }
  const Conformal conformal(pairs, populations, 0.05);
  for (std::size_t s = 1; s <= 10; ++s) {
    EXPECT_EQ(conformal.rule(s).level, PoolLevel::deciles);
    EXPECT_EQ(conformal.rule(s).draws, 50U);
    EXPECT_EQ(conformal.rule(11 + s).level, PoolLevel::matrix);
    EXPECT_EQ(conformal.rule(11 + s).draws, 50U);
  }
}

TEST(Conformal, AMatrixThatIsTooSmallJoinsTheSmallestOtherOneOnly) {
  std::vector<CalibrationPair> pairs;
  std::vector<std::size_t> populations(33, 0);
  for (std::size_t s = 1; s <= 10; ++s) {
    populations[s] = 10'000;
    populations[11 + s] = 100;
    populations[22 + s] = 5;
    addPairs(pairs, s, 39);
    addPairs(pairs, 11 + s, 20);
    addPairs(pairs, 22 + s, 1);
  }
  const Conformal conformal(pairs, populations, 0.05);
  for (std::size_t s = 1; s <= 10; ++s) {
    EXPECT_EQ(conformal.rule(s).level, PoolLevel::stratum);
    EXPECT_EQ(conformal.rule(11 + s).level, PoolLevel::matrices);
    EXPECT_EQ(conformal.rule(22 + s).level, PoolLevel::matrices);
    EXPECT_EQ(conformal.rule(22 + s).draws, 210U);
    EXPECT_TRUE(std::isfinite(conformal.rule(22 + s).high));
  }
}

TEST(Conformal, TooFewDrawsInAllSayNothingRatherThanSomethingWrong) {
  std::vector<CalibrationPair> pairs;
  std::vector<std::size_t> populations(11, 0);
  populations[10] = 1000;
  addPairs(pairs, 10, 38);
  const Conformal conformal(pairs, populations, 0.05);
  EXPECT_EQ(conformal.rule(10).level, PoolLevel::none);
  EXPECT_EQ(conformal.interval(10, 3).lower, 0);
  EXPECT_EQ(conformal.interval(10, 3).upper, kInfinity);
}

TEST(Conformal, EstimatesOfZeroAreBoundedByTheLargestImpactsMeasuredAmongThem) {
  std::vector<CalibrationPair> pairs;
  std::vector<std::size_t> populations(11, 0);
  populations[0] = 1000;
  for (int i = 1; i <= 39; ++i) pairs.push_back({0, 0, 0.1 * i});
  const Conformal conformal(pairs, populations, 0.05);
  EXPECT_EQ(conformal.interval(0, 0).lower, 0);
  EXPECT_DOUBLE_EQ(conformal.interval(0, 0).upper, 3.8);  // ceil(40 * 0.95)
}

TEST(Conformal, ImpactsThatAreNoneAreDefects) {
  const std::vector<std::size_t> populations(11, 10);
  for (const double bad : {-1.0, std::nan("")}) {
    const std::vector<CalibrationPair> pairs{{1, 1, bad}};
    EXPECT_THROW(Conformal(pairs, populations, 0.05), Error);
  }
  EXPECT_THROW(Conformal({}, populations, 0), Error);
}

// The simulations below draw many models. In each, the share of all weights outside their interval is at most
// alpha on average, by the promise; the mean over models must keep that within four standard errors.
struct Coverage {
  double mean = 0, error = 0;
};

Coverage over(const std::vector<double>& shares) {
  Coverage c;
  const auto n = static_cast<double>(shares.size());
  for (const double s : shares) c.mean += s / n;
  for (const double s : shares) c.error += (s - c.mean) * (s - c.mean);
  c.error = std::sqrt(c.error / (n - 1) / n);
  return c;
}

struct Ratios {
  const char* name;
  test::DrawRatio draw;
};

const std::vector<Ratios>& hostileRatios() {
  static const std::vector<Ratios> all{
      {"spread grows with the estimate",
       [](Random& r, std::size_t, double e) { return std::exp(0.3 * std::min(e, 3.0) * r.normal()); }},
      {"skewed", [](Random& r, std::size_t, double) { return 0.9 + std::exp(1.5 * r.normal() - 3); }},
      {"each matrix its own bias",
       [](Random& r, std::size_t p, double) { return std::pow(3, p) * std::exp(0.2 * r.normal()); }},
      {"small estimates off by powers of ten",
       [](Random& r, std::size_t, double e) {
         return e < 0.5 ? std::pow(10, 2 * r.normal()) : std::exp(0.02 * r.normal());
       }},
      {"without a mean", [](Random& r, std::size_t, double) { return 1 / (r.uniform() + 1e-300); }}};
  return all;
}

/// The share of weights outside their interval, among those `counts` says.
template <class Counts>
double shareOutside(const Estimates& estimates, const Strata& strata, const Conformal& conformal,
                    const std::vector<double>& impacts, const Counts& counts) {
  std::size_t all = 0, outside = 0;
  for (std::size_t p = 0, flat = 0; p < estimates.parameters(); ++p) {
    for (const double e : estimates.of(p)) {
      if (counts(flat)) {
        const Interval interval = conformal.interval(strata.of(p, e), e);
        ++all;
        outside += impacts[flat] < interval.lower || impacts[flat] > interval.upper ? 1 : 0;
      }
      ++flat;
    }
  }
  return static_cast<double>(outside) / static_cast<double>(all);
}

TEST(Conformal, IntervalsHoldAtTheirRateUnderHostileRatios) {
  for (const double alpha : {0.05, 0.2}) {
    for (const auto& ratios : hostileRatios()) {
      std::vector<double> shares;
      for (std::uint64_t seed = 0; seed < 80; ++seed) {
        const test::SimulatedModel model({1500, 300, 60}, 1, seed, ratios.draw);
        const Estimates estimates = model.estimates();
        const Strata strata(estimates);
        std::vector<CalibrationPair> pairs;
        const auto drawn = drawStratified(estimates, strata, 300, seed);
        for (std::size_t s = 0; s < drawn.size(); ++s) {
          for (const std::size_t f : drawn[s]) pairs.push_back({s, estimates.at(f), model.impacts()[f]});
        }
        const Conformal conformal(pairs, strata.populations(), alpha);
        shares.push_back(shareOutside(estimates, strata, conformal, model.impacts(), [](std::size_t) { return true; }));
      }
      const Coverage c = over(shares);
      EXPECT_LT(c.mean, alpha + 4 * c.error) << ratios.name;
      EXPECT_GT(c.mean, 0.3 * alpha) << ratios.name << ": intervals that are far too wide";
    }
  }
}

TEST(Conformal, IntervalsHoldAtTheirRateAfterTheTopWasExecuted) {
  for (const auto& ratios : hostileRatios()) {
    std::vector<double> shares;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const test::SimulatedModel model({3000, 600, 100}, 1, seed, ratios.draw);
      SettleOptions options;
      options.calibration_draws = 300;
      options.k = 30;
      options.seed = seed;
      options.budget = 800;
      const SettleResult result = model.settle(options);
      std::vector<bool> executed(model.impacts().size());
      for (const ExecutedWeight& w : result.impacts) executed[w.flat] = true;
      shares.push_back(shareOutside(model.estimates(), result.strata, result.intervals, model.impacts(),
                                    [&](std::size_t flat) { return !executed[flat]; }));
    }
    const Coverage c = over(shares);
    EXPECT_LT(c.mean, 0.05 + 4 * c.error) << ratios.name;
  }
}

// The executed top, where estimates are right, would hide how wrong they are below it in the same decile.
TEST(Conformal, IntervalsBelowTheTopRestOnDrawsBelowTheTop) {
  std::vector<double> shares;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::vector<double> estimated, true_impacts;
    Random random(seed, "test");
    for (int i = 0; i < 4000; ++i) {
      estimated.push_back(std::pow(1.01, i));
      true_impacts.push_back(estimated.back() * (i < 4000 - 320 ? std::exp(-std::abs(random.normal())) : 1));
    }
    const test::SimulatedModel model({estimated}, true_impacts);
    SettleOptions options;
    options.calibration_draws = 2000;
    options.k = 320;
    options.audit_limit = 10;
    options.seed = seed;
    const SettleResult result = model.settle(options);
    std::vector<bool> counts(model.impacts().size());
    const Estimates estimates = model.estimates();
    for (std::size_t flat = 0; flat < counts.size(); ++flat) {
      counts[flat] = result.strata.of(0, estimates.at(flat)) == 10;
    }
    for (const ExecutedWeight& w : result.impacts) counts[w.flat] = false;
    shares.push_back(shareOutside(estimates, result.strata, result.intervals, model.impacts(),
                                  [&](std::size_t flat) { return counts[flat]; }));
  }
  const Coverage c = over(shares);
  EXPECT_LT(c.mean, 0.05 + 2 * c.error);
}

}  // namespace
}  // namespace heft
