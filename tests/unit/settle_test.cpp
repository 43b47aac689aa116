#include "analysis/settle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "heft/error.hpp"
#include "unit/simulated_model.hpp"

namespace heft {
namespace {

using test::SimulatedModel;

test::DrawRatio logNormal(double sigma) {
  return [sigma](Random& r, std::size_t, double) { return std::exp(sigma * r.normal()); };
}

SettleOptions withK(std::size_t k, std::uint64_t seed = 0) {
  SettleOptions options;
  options.k = k;
  options.seed = seed;
  return options;
}

std::vector<std::size_t> trueTop(const std::vector<double>& impacts, std::size_t k) {
  std::vector<std::size_t> order(impacts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto x, auto y) { return impacts[x] > impacts[y]; });
  order.resize(std::min(k, order.size()));
  return order;
}

TEST(Settle, ABenignModelSettlesWithTheTrueTopAfterAFewHundredExecutions) {
  const SimulatedModel model({150'000, 50'000}, 1.5, 1, logNormal(0.01));
  const SettleResult result = model.settle(withK(100));
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_TRUE(result.why.empty());
  EXPECT_LE(result.missing, 1);
  EXPECT_EQ(result.top, trueTop(model.impacts(), 100));
  EXPECT_EQ(result.threshold, model.impacts()[result.top.back()]);
  EXPECT_EQ(result.calibration.size(), 400U);
  EXPECT_LT(result.executed, 400U + 150 + 300);
  EXPECT_GT(result.audited, 30U);
  std::set<std::size_t> different;
  for (const ExecutedWeight& w : result.impacts) {
    EXPECT_EQ(w.impact, model.impacts()[w.flat]);
    different.insert(w.flat);
  }
  EXPECT_EQ(different.size(), result.executed);
}

TEST(Settle, AsksForEveryWeightOnceAndEndsTheSameWay) {
  const SimulatedModel model({5000, 300}, 1, 2, logNormal(0.2));
  std::vector<std::size_t> order[2];
  SettleResult results[2]{model.settle(withK(20)), model.settle(withK(20))};
  for (int i = 0; i < 2; ++i) {
    std::set<std::string> purposes;
    results[i] =
        settle(model.estimates(), withK(20, 5), [&](std::span<const std::size_t> flat, std::string_view purpose) {
          order[i].insert(order[i].end(), flat.begin(), flat.end());
          purposes.emplace(purpose);
          return model.measure(flat);
        });
    EXPECT_EQ(purposes, (std::set<std::string>{"audit", "calibration", "top"}));
  }
  EXPECT_EQ(order[0], order[1]);
  EXPECT_EQ(results[0].top, results[1].top);
  EXPECT_EQ(std::set<std::size_t>(order[0].begin(), order[0].end()).size(), order[0].size());
  EXPECT_EQ(order[0].size(), results[0].executed);
}

TEST(Settle, ASmallModelIsExecutedWholeWhereThatIsAllThereIs) {
  const SimulatedModel model({40, 12}, 1, 3, logNormal(1));
  const SettleResult result = model.settle(withK(20));
  EXPECT_TRUE(result.settled);
  EXPECT_EQ(result.missing, 0);
  EXPECT_EQ(result.executed, 52U);
  EXPECT_EQ(result.top, trueTop(model.impacts(), 20));
}

TEST(Settle, ATopLargerThanTheModelIsTheModel) {
  const SimulatedModel model({700}, 1, 3, logNormal(0.1));
  const SettleResult result = model.settle(withK(1000));
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_EQ(result.top, trueTop(model.impacts(), 1000));
}

// A bias vector is drawn whole; it must not blur what is known of the large matrices.
TEST(Settle, AParameterThatIsExecutedWholeLeavesTheIntervalsOfOthersAlone) {
  const SimulatedModel model({30'000, 30'000, 10}, 0.7, 3, [](Random& r, std::size_t p, double) {
    return (p == 2 ? 40.0 : p == 1 ? 2.0 : 1.0) * std::exp(0.01 * r.normal());
  });
  SettleOptions options = withK(20);
  options.calibration_draws = 1000;
  const SettleResult result = model.settle(options);
  for (std::size_t p = 0; p < 2; ++p) {
    const IntervalRule& rule = result.intervals.rule(result.strata.of(p, 1));
    EXPECT_EQ(rule.level, PoolLevel::stratum);
    EXPECT_NEAR(rule.low, static_cast<double>(p + 1), 0.08);
    EXPECT_NEAR(rule.high, static_cast<double>(p + 1), 0.08);
  }
}

TEST(Settle, NoWeightsSettleAtOnce) {
  const SimulatedModel model({}, {});
  const SettleResult result = model.settle(withK(20));
  EXPECT_TRUE(result.settled);
  EXPECT_TRUE(result.top.empty());
}

TEST(Settle, FewerImpactsThanPlacesSettleOnTiesAtZero) {
  std::vector<double> estimates(20'000), impacts(20'000);
  for (std::size_t i = 0; i < 7; ++i) estimates[1000 * i] = impacts[1000 * i] = static_cast<double>(i + 1);
  const SimulatedModel model({estimates}, impacts);
  const SettleResult result = model.settle(withK(20));
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_EQ(result.missing, 0);
  EXPECT_EQ(result.threshold, 0);
  ASSERT_EQ(result.top.size(), 20U);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(result.top[i], 1000 * (6 - i));
}

TEST(Settle, EqualImpactsAtTheLastPlaceSettle) {
  std::vector<double> estimates(3000, 1e-6);
  for (std::size_t i = 0; i < 50; ++i) estimates[i] = i < 10 ? 2 : 1;
  const SimulatedModel model({estimates}, estimates);
  const SettleResult result = model.settle(withK(20));
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_EQ(result.threshold, 1);
}

TEST(Settle, ZeroEstimatesThatTurnOutToMatterAreExecuted) {
  std::vector<double> live, dead(300, 0.0), impacts;
  Random random(4, "test");
  for (int i = 0; i < 5000; ++i) live.push_back(std::exp(random.normal()));
  impacts = live;
  for (int i = 0; i < 300; ++i) impacts.push_back(i < 150 ? 50 + random.uniform() : 0);
  const SimulatedModel model({live, dead}, impacts);
  const SettleResult result = model.settle(withK(20));
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_EQ(result.top, trueTop(impacts, 20));
}

TEST(Settle, ABudgetThatEndsAmongTheCandidatesSaysSoAndBoundsNothing) {
  const SimulatedModel model({50'000}, 1.5, 5, logNormal(0.3));
  SettleOptions options = withK(100);
  options.budget = 250;
  const SettleResult result = model.settle(options);
  EXPECT_FALSE(result.settled);
  EXPECT_EQ(result.executed, 250U);
  EXPECT_EQ(result.missing, 100);
  EXPECT_NE(result.why.find("budget of 250"), std::string::npos) << result.why;
  EXPECT_NE(result.why.find("candidates"), std::string::npos) << result.why;
}

TEST(Settle, ABudgetThatEndsInTheAuditGivesTheBoundThatItBought) {
  const SimulatedModel model({50'000}, 0.7, 5, logNormal(0.01));
  SettleOptions options = withK(100);
  options.budget = 800;
  const SettleResult result = model.settle(options);
  EXPECT_FALSE(result.settled);
  EXPECT_LE(result.executed, 800U);
  EXPECT_GT(result.missing, 1);
  EXPECT_LT(result.missing, 30);
  EXPECT_NE(result.why.find("audit"), std::string::npos) << result.why;
}

TEST(Settle, EveryBudgetIsKept) {
  const SimulatedModel model({3000, 40}, 1, 6, logNormal(0.1));
  for (std::size_t budget = 1; budget < 3100; budget += budget < 40 ? 1 : 97) {
    SettleOptions options = withK(20, budget);
    options.budget = budget;
    const SettleResult result = model.settle(options);
    EXPECT_LE(result.executed, budget);
    EXPECT_LE(result.missing, 20);
    EXPECT_EQ(result.settled, result.why.empty());
    EXPECT_EQ(result.top.size(), std::min<std::size_t>(20, result.executed));
    if (budget < 20) {
      EXPECT_FALSE(result.settled);
    }
  }
}

TEST(Settle, AnAuditThatWouldTakeForeverEndsWithAReason) {
  // Nearly all weights tie just below the threshold.
  std::vector<double> estimates(30'000);
  Random random(7, "test");
  for (double& e : estimates) e = 1 + 1e-3 * random.uniform();
  std::vector<double> impacts = estimates;
  for (double& i : impacts) i *= 1 + 1e-9 * random.normal();
  const SimulatedModel model({estimates}, impacts);
  SettleOptions options = withK(20);
  options.audit_limit = 1000;
  const SettleResult result = model.settle(options);
  EXPECT_FALSE(result.settled);
  EXPECT_EQ(result.missing, 20);
  EXPECT_LT(result.executed, 1700U);
  EXPECT_NE(result.why.find("audit of 1000"), std::string::npos) << result.why;
}

TEST(Settle, AMatrixThatIsEstimatedThreeTimesTooLowIsFoundWithoutExecutingAllOthers) {
  const SimulatedModel model({48'000, 2000}, 1.5, 8, [](Random& r, std::size_t p, double) {
    return std::exp(0.05 * r.normal()) * (p == 1 ? 3 : 1);
  });
  const SettleResult result = model.settle(withK(100));
  EXPECT_TRUE(result.settled);
  EXPECT_EQ(result.top, trueTop(model.impacts(), 100));
  EXPECT_LT(result.executed, 1000U);
}

TEST(Settle, OptionsWithoutMeaningAreRefused) {
  const SimulatedModel model({100}, 1, 1, logNormal(0.1));
  for (const auto& change : std::vector<std::function<void(SettleOptions&)>>{
           [](auto& o) { o.k = 0; }, [](auto& o) { o.miss = -0.1; }, [](auto& o) { o.miss = std::nan(""); },
           [](auto& o) { o.alpha = 0; }, [](auto& o) { o.confidence = 1; }}) {
    SettleOptions options;
    change(options);
    EXPECT_THROW((void)model.settle(options), Error);
  }
}

TEST(Settle, ImpactsThatAreNoneAreDefects) {
  const SimulatedModel model({100}, 1, 1, logNormal(0.1));
  const auto with = [&](std::vector<double> (*measure)(std::size_t)) {
    (void)settle(model.estimates(), {}, [&](auto flat, auto) { return measure(flat.size()); });
  };
  EXPECT_THROW(with([](std::size_t n) { return std::vector<double>(n, std::nan("")); }), Error);
  EXPECT_THROW(with([](std::size_t n) { return std::vector<double>(n, -1.0); }), Error);
  EXPECT_THROW(with([](std::size_t n) { return std::vector<double>(n + 1, 1.0); }), Error);
}

TEST(Settle, WeightsWithoutAnEstimateHavePlacesInTheTop) {
  const SimulatedModel model({5000}, 1, 6, logNormal(0.05));
  SettleOptions options = withK(20);
  const double alone = model.settle(options).threshold;
  options.others.assign(15, 1e6);
  options.others.push_back(0);
  const SettleResult result = model.settle(options);
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_GT(result.threshold, alone);
  EXPECT_EQ(result.threshold, model.impacts()[trueTop(model.impacts(), 5).back()]);
}

TEST(Settle, WithoutAnyEstimateTheOthersAreTheTop) {
  const SimulatedModel model(std::vector<std::vector<double>>{{}}, {});
  SettleOptions options = withK(2);
  options.others = {3, 1, 2};
  const SettleResult result = model.settle(options);
  EXPECT_TRUE(result.settled) << result.why;
  EXPECT_EQ(result.threshold, 2);
  EXPECT_EQ(result.executed, 0U);
}

// The second parameter's estimates are off by a factor, the first one's by a percent.
SimulatedModel halfBad() {
  return {{20'000, 4000}, 1, 7, [](Random& r, std::size_t p, double) {
            return std::exp((p == 1 ? 0.5 : 0.01) * r.normal());
          }};
}

TEST(Settle, WhatIsToSpareIsSpentWhereIntervalsAreWide) {
  const SimulatedModel model = halfBad();
  SettleOptions options = withK(20);
  const SettleResult before = model.settle(options);
  options.spare = 3000;
  std::vector<std::size_t> wide;
  const SettleResult after =
      settle(model.estimates(), options, [&](std::span<const std::size_t> flat, std::string_view purpose) {
        if (purpose == "wide") wide.insert(wide.end(), flat.begin(), flat.end());
        return model.measure(flat);
      });
  EXPECT_EQ(after.executed, before.executed + 3000);
  ASSERT_EQ(wide.size(), 3000U);
  double smallest = 1e300;
  for (const std::size_t flat : wide) {
    EXPECT_GE(flat, 20'000U);
    smallest = std::min(smallest, model.estimates().at(flat));
  }
  // From the largest estimate down, so that what is left lies below all of them.
  std::set<std::size_t> executed;
  for (const ExecutedWeight& w : after.impacts) executed.insert(w.flat);
  for (std::size_t flat = 20'000; flat < 24'000; ++flat) {
    const bool left = !executed.contains(flat);
    EXPECT_TRUE(!left || model.estimates().at(flat) <= smallest);
  }
  EXPECT_EQ(after.top, before.top);
}

TEST(Settle, NothingIsSpentWhereIntervalsAreNarrow) {
  const SimulatedModel model({20'000, 4000}, 1, 7, logNormal(0.01));
  SettleOptions options = withK(20);
  const std::size_t before = model.settle(options).executed;
  options.spare = 3000;
  EXPECT_EQ(model.settle(options).executed, before);
}

TEST(Settle, TheRestOfABudgetIsSpentWhereIntervalsAreWide) {
  const SimulatedModel model = halfBad();
  SettleOptions options = withK(20);
  options.budget = 3000;
  EXPECT_EQ(model.settle(options).executed, 3000U);
}

TEST(Settle, WidthsAreThoseOfWhatWasNotExecuted) {
  const SimulatedModel model = halfBad();
  const SettleResult result = model.settle(withK(20));
  std::set<std::size_t> executed;
  for (const ExecutedWeight& w : result.impacts) executed.insert(w.flat);
  const auto widths = intervalWidths(model.estimates(), result.strata, result.intervals,
                                     [&](std::size_t flat) { return executed.contains(flat); });
  ASSERT_EQ(widths.size(), 2U);
  EXPECT_LT(widths[0], 0.04);
  EXPECT_GT(widths[1], 0.5);
  EXPECT_EQ(intervalWidths(model.estimates(), result.strata, result.intervals, [](std::size_t) { return true; }),
            (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace heft
