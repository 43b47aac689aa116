#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "analysis/settle.hpp"
#include "unit/simulated_model.hpp"

namespace heft {
namespace {

using test::SimulatedModel;

test::DrawRatio logNormal(double sigma) {
  return [sigma](Random& r, std::size_t, double) { return std::exp(sigma * r.normal()); };
}

/// A share of the ratios has a tail that falls like x^-power.
test::DrawRatio withTail(double share, double power) {
  return [=](Random& r, std::size_t, double) {
    const double usual = std::exp(0.02 * r.normal()), tail = std::pow(1 - r.uniform(), -1 / power);
    return r.uniform() < share ? usual * tail : usual;
  };
}

test::DrawRatio withOutliers(double share, double factor) {
  return
      [=](Random& r, std::size_t, double) { return std::exp(0.02 * r.normal()) * (r.uniform() < share ? factor : 1); };
}

SettleOptions withK(std::size_t k, std::uint64_t seed = 0) {
  SettleOptions options;
  options.k = k;
  options.seed = seed;
  return options;
}

// The promise: of the models that settle, and of those that don't, at most 1 in 20 misses more than
// `missing`.
struct Case {
  const char* name;
  test::DrawRatio ratio;
  std::size_t k;
};

struct Tally {
  int broken = 0, settled = 0;
};

Tally tally(const Case& c, int models) {
  Tally t;
  for (int seed = 0; seed < models; ++seed) {
    const SimulatedModel model({9000, 1000}, 1.5, static_cast<std::uint64_t>(seed), c.ratio);
    const SettleResult result = model.settle(withK(c.k, static_cast<std::uint64_t>(seed)));
    t.settled += result.settled ? 1 : 0;
    t.broken += static_cast<double>(model.missing(result)) > result.missing ? 1 : 0;
  }
  return t;
}

TEST(SettlePromise, HoldsUnderHostileRatiosAndNearlyEveryModelSettles) {
  constexpr int models = 100;
  const std::vector<Case> cases{
      {"exact", logNormal(0), 20},
      {"small errors", logNormal(0.05), 100},
      {"large errors", logNormal(0.3), 20},
      {"large errors", logNormal(0.3), 100},
      {"a tail like x^-8", withTail(0.05, 8), 20},
      {"a tail like x^-8", withTail(0.05, 8), 100},
      {"a tail like x^-5, heavier than assumed", withTail(0.05, 5), 100},
      {"1 in 100 twice too low, no tail at all", withOutliers(0.01, 2), 100},
      {"a matrix three times too low",
       [](Random& r, std::size_t p, double) { return std::exp(0.05 * r.normal()) * (p == 1 ? 3 : 1); }, 20},
      {"a matrix three times too low and noisy",
       [](Random& r, std::size_t p, double) { return std::exp((p == 1 ? 0.4 : 0.05) * r.normal()) * (p == 1 ? 3 : 1); },
       20},
      {"all three times too high", [](Random& r, std::size_t, double) { return std::exp(0.05 * r.normal()) / 3; }, 20},
  };
  for (const Case& c : cases) {
    const Tally t = tally(c, models);
    EXPECT_LE(t.broken, test::mostByChance(models, 0.05)) << c.name << ", k = " << c.k;
    EXPECT_GE(t.settled, models - 3) << c.name << ", k = " << c.k;
  }
}

// What audit.hpp says is not covered. Should this ever hold, the text there is to be mended.
TEST(SettlePromise, ARareOutlierTenTimesTooLowIsBeyondThePromise) {
  const Tally t = tally({"1 in 1000 ten times too low", withOutliers(1e-3, 10), 20}, 40);
  EXPECT_GT(t.broken, 10);
}

}  // namespace
}  // namespace heft
