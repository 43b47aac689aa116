#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/estimate/sites/lambda_table.hpp"
#include "engine/estimate/units/norm_exit.hpp"
#include "engine/kernels/cuda/response_rows.hpp"
#include "measure/estimate/response.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

std::map<std::string, const UnitParameter*> plannedBy(Session& session) {
  std::map<std::string, const UnitParameter*> planned;
  for (const auto& one : session.units().parameters)
    planned[session.structure().parameters[static_cast<size_t>(one.parameter)].name] = &one;
  return planned;
}

TEST(Units, OfAHandWrittenLstmAreItsFourGates) {
  Session session(fixture("seeded_hand_lstm").options());
  const auto planned = plannedBy(session);
  ASSERT_EQ(planned.size(), 3U);  // the head is linear: its plain adjoint is exact
  for (const auto& name : {"inward.weight", "inward.bias", "back.weight"}) {
    const auto& units = *planned.at(name);
    EXPECT_EQ(units.units, 32) << name;
    EXPECT_EQ(units.colours, 4) << name;
    for (int64_t gate = 0; gate < 4; ++gate) EXPECT_EQ(units.feature[static_cast<size_t>(gate)], 32 * gate);
  }
}

TEST(Units, OfAConvolutionAreItsChannels) {
  Session session(fixture("seeded_conv_batch_norm").options());
  const auto planned = plannedBy(session);
  const auto& units = *planned.at("conv.weight");
  EXPECT_EQ(units.units, 24);
  EXPECT_EQ(units.colours, 1);
  EXPECT_EQ(units.variants.size(), 12U * 3U);
}

TEST(Units, AreFoundInTracedModelsToo) {
  Session session(fixture("seeded_traced_conv_norm").options());
  EXPECT_TRUE(plannedBy(session).contains("conv.weight"));
}

TEST(Units, AreLeftToTheirOperatorWhereNothingBends) {
  Session session(fixture("seeded_lstm").options());
  EXPECT_TRUE(session.units().parameters.empty());
  EXPECT_TRUE(session.units().exits.empty());
}

TEST(NormExit, ChangesOfOnePositionAreThoseOfTheNormItself) {
  at::manual_seed(4);
  const auto x = at::randn({3, 2, 7}, at::kDouble), weight = at::rand({7}, at::kDouble),
             bias = at::randn({7}, at::kDouble);
  const auto adjoint = at::randn({3, 2, 7}, at::kDouble);
  const std::vector<c10::IValue> arguments{x, std::vector<int64_t>{7}, weight, bias, 1e-5, false};
  const NormExit norm(arguments);
  const auto changes = at::randn({1, 3, 2, 7}, at::kDouble) * 2;
  const auto baseline = at::layer_norm(x, {7}, weight, bias, 1e-5);
  const auto results = norm.results(changes)[0];
  const auto parts = (norm.coefficients(changes) * norm.numbers(adjoint)).view({2, 3, 2, 7}).sum(0);
  for (int64_t p = 0; p < 7; ++p) {
    auto moved = x.clone();
    moved.select(2, p).add_(changes[0].select(2, p));
    const auto truth = at::layer_norm(moved, {7}, weight, bias, 1e-5);
    EXPECT_TRUE(at::allclose(results.select(2, p), truth.select(2, p), 1e-12, 1e-12));
    auto elsewhere = adjoint * (truth - baseline);
    elsewhere.select(2, p).zero_();
    EXPECT_TRUE(at::allclose(parts.select(2, p), elsewhere.sum(2), 1e-10, 1e-12));
  }
}

TEST(LambdaTable, OfSquaresKeepsTheSumOfSquares) {
  at::manual_seed(5);
  constexpr int64_t kSeeds = 150, kPoints = 9;
  const auto lambda = at::randn({kSeeds, 3, 2, kPoints}, at::kFloat);
  LambdaTable all, squares, by_points, all_by_points;
  by_points.keepByPoints(at::kCPU);
  all_by_points.keepByPoints(at::kCPU);
  all.begin(3, 2, kSeeds, kPoints, false);
  squares.begin(3, 2, kSeeds, kPoints, true);
  by_points.begin(3, 2, kSeeds, kPoints, true);
  all_by_points.begin(3, 2, kSeeds, kPoints, false);
  for (int64_t seed = 0; seed < kSeeds; ++seed) {
    for (auto* table : {&all, &squares, &by_points, &all_by_points}) table->take(seed).copy_(lambda[seed]);
  }
  for (auto* table : {&all, &squares, &by_points, &all_by_points}) table->end();
  EXPECT_EQ(all.seeds(), kSeeds);
  EXPECT_EQ(squares.seeds(), kPoints);
  const auto emission = at::randn({kPoints, 20}, at::kFloat);
  const auto sums = [&](const LambdaTable& table) { return at::matmul(table.values(), emission).square().sum(2); };
  EXPECT_TRUE(at::allclose(sums(squares), sums(all), 1e-5, 0));
  // Its sums run over memory of another order, so the last bits may be others.
  EXPECT_TRUE(at::allclose(by_points.values(), squares.values(), 1e-5, 1e-6));
  EXPECT_TRUE(all_by_points.values().equal(all.values()));
  for (const auto* table : {&by_points, &all_by_points}) {
    const auto& stored = table->byPoints();
    EXPECT_TRUE(stored.is_contiguous());
    EXPECT_EQ(stored.sizes(), at::IntArrayRef({3, 2, kPoints, kernels::paddedSeeds(table->seeds())}));
    EXPECT_TRUE(stored.narrow(3, 0, table->seeds()).transpose(2, 3).equal(table->values()));
    EXPECT_EQ(stored.slice(3, table->seeds()).abs().sum().item<float>(), 0);
  }
}

/// One metric lets sites keep Gram matrices, two do not: the impacts must be the same.
class GramForm : public testing::TestWithParam<Fixture> {};

TEST_P(GramForm, GivesTheImpactsOfEveryOutputByItself) {
  Session session(GetParam().options());
  const auto zero = [](int64_t, int64_t, double) { return 0.0; };
  const auto silent = [](const std::string&, double) {};
  ResponseOptions options;
  const auto one = estimateAll(session, zero, options, silent);
  options.metrics = {Metric::rms, Metric::max};
  const auto two = estimateAll(session, zero, options, silent);
  const double scale = session.outputRms();
  for (size_t p = 0; p < one.impact[0].size(); ++p) {
    for (size_t i = 0; i < one.impact[0][p].size(); ++i) {
      ASSERT_NEAR(one.impact[0][p][i], two.impact[0][p][i], 1e-5 * two.impact[0][p][i] + 1e-9 * scale) << p << " " << i;
      const double error = two.standard_error[0][p][i];
      ASSERT_NEAR(one.standard_error[0][p][i], error, 1e-4 * error + 1e-9 * scale) << p << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, GramForm,
                         testing::Values(fixture("seeded_lstm_every_step"), fixture("gru_returns_all"),
                                         fixture("lstm_returns_all"), fixture("trained_lstm"),
                                         fixture("blocks_parallel")),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace heft::test
