#include "measure/plan/plan_jobs.hpp"

#include <gtest/gtest.h>

namespace heft {
namespace {

Plan exhaustivePlan(double execute) {
  Plan plan;
  plan.settings.method = Method::exhaustive;
  plan.weights = 1000;
  plan.variants = 1000;
  plan.start = 10;
  plan.prepare = 20;
  plan.execute = execute;
  plan.finish = 30;
  plan.memory = 1000.0 * 1048576;
  return plan;
}

TEST(PlanJobs, ShortRunsAreOneJobAndLongOnesPartsOfHalfAnHour) {
  EXPECT_EQ(jobsOf(exhaustivePlan(1700), 0).shards, 1);
  EXPECT_EQ(jobsOf(exhaustivePlan(1900), 0).shards, 2);
  EXPECT_EQ(jobsOf(exhaustivePlan(36000), 0).shards, 20);
  EXPECT_EQ(jobsOf(exhaustivePlan(1e9), 0).shards, 1000);
  EXPECT_EQ(jobsOf(exhaustivePlan(1e9), 7).shards, 7);
}

TEST(PlanJobs, EveryPartStartsAndPreparesAndExecutesItsShare) {
  const auto jobs = jobsOf(exhaustivePlan(3600), 4);
  EXPECT_DOUBLE_EQ(jobs.shard_seconds, 10 + 20 + 900);
  EXPECT_DOUBLE_EQ(jobs.merge_seconds, 10 + 20 + 30);
  EXPECT_EQ(jobs.minutes, 25);  // 1.5 x 15.5, up to fives
  EXPECT_EQ(jobs.mebibytes, 1280);
}

TEST(PlanJobs, OneJobTakesTheEstimatesAndTheEndToo) {
  auto plan = exhaustivePlan(100);
  plan.settings.method = Method::automatic;
  plan.adjoint = 200;
  plan.response = 300;
  EXPECT_DOUBLE_EQ(jobsOf(plan, 0).shard_seconds, plan.seconds());
  EXPECT_DOUBLE_EQ(jobsOf(plan, 2).shard_seconds, 10 + 20 + 50);
  EXPECT_EQ(jobsOf(plan, 2).minutes, 15);  // the estimates, which are a job of their own, take 510 s
}

TEST(PlanJobs, DevicesAreAskedForTheirProducts) {
  auto plan = exhaustivePlan(100);
  EXPECT_TRUE(deviceTimes(plan).empty());
  plan.flop = 1.14e17;
  const auto exact = deviceTimes(plan);
  ASSERT_EQ(exact.size(), 2U);
  EXPECT_NEAR(exact[0].seconds, 652, 1);
  plan.settings.precision = Precision::bfloat16;
  EXPECT_LT(deviceTimes(plan)[0].seconds, 0.6 * exact[0].seconds);
}

}  // namespace
}  // namespace heft
