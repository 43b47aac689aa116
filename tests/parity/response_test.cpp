#include "measure/estimate/response.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/random.hpp"
#include "engine/execute/executor.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

const StageProgress kSilent = [](const std::string&, double) {};

class Response : public testing::TestWithParam<Fixture> {};

/// Unit response is exact to first order, whatever reads a weight and however often: a change of a thousandth shows any
/// dropped path, step, sample or sign, and leaves of curvature no more than some thousandths.
TEST_P(Response, IsExactForSmallChanges) {
  Session session(GetParam().options());
  const auto slightly = [](int64_t, int64_t, double weight) { return 1.001 * weight; };
  const auto result = estimateAll(session, slightly, {}, kSilent);
  const at::NoGradGuard no_grad;
  const auto executor = makeLoopExecutor(session.runner(), session.layout());
  const double scale = session.outputRms();
  for (size_t p = 0; p < session.structure().parameters.size(); ++p) {
    const auto& info = session.structure().parameters[p];
    const auto values = session.model().parameters[p].value.detach().to(at::kCPU, at::kDouble).flatten();
    auto places = sampleWithoutReplacement(12, static_cast<size_t>(info.weights()), Random(2, "places", p));
    std::vector<Variant> variants;
    for (const auto place : places) {
      const auto flat = static_cast<int64_t>(place);
      variants.push_back({{{static_cast<int64_t>(p), {flat}, {1.001 * values[flat].item<double>()}}}});
    }
    size_t next = 0;
    executor->execute(variants, [&](size_t, const at::Tensor& outputs) {
      const auto truth = (outputs - session.baseline()).square().mean().sqrt().item<double>();
      const auto found = result.impact[0][p][places[next]];
      // A step of a relu or a maximum between the two has no first order; so has what float64 itself loses.
      EXPECT_NEAR(found, truth, 0.02 * truth + 1e-10 * scale)
          << info.name << " " << places[next] << " by " << info.method;
      ++next;
    });
  }
}

class LinearHead : public testing::TestWithParam<Fixture> {};

TEST_P(LinearHead, IsEstimatedExactly) {
  Session session(GetParam().options());
  const auto result = estimateAll(
      session, [](int64_t, int64_t, double) { return 0.0; }, {}, kSilent);
  for (const auto& expected : expectedImpacts(GetParam())) {
    if (!expected.parameter.starts_with("head")) continue;
    const auto places = placesOf(expected, session.model());
    for (size_t i = 0; i < places.size(); ++i) {
      const auto found =
          result.impact[0][static_cast<size_t>(places[i].parameter)][static_cast<size_t>(places[i].flat)];
      EXPECT_NEAR(found, expected.impact[i], 1e-6 * expected.impact[i]) << expected.parameter;
    }
  }
}

TEST_P(Response, IsZeroWhereNothingMoves) {
  Session session(GetParam().options());
  const double scale = session.outputRms();
  const auto result = estimateAll(
      session, [](int64_t, int64_t, double) { return 0.0; }, {}, kSilent);
  for (const auto& expected : expectedImpacts(GetParam())) {
    const auto places = placesOf(expected, session.model());
    for (size_t i = 0; i < places.size(); ++i) {
      if (expected.impact[i] != 0) continue;
      const auto found =
          result.impact[0][static_cast<size_t>(places[i].parameter)][static_cast<size_t>(places[i].flat)];
      // A softmax that a bias shifts as a whole moves by rounding alone.
      EXPECT_LE(found, GetParam().name == "unused_weights" ? 0 : 1e-8 * scale)
          << expected.parameter << " " << expected.index[i];
    }
  }
}

/// Without those whose weights no derivative leads to.
std::vector<Fixture> fixturesWithDerivatives() {
  auto fixtures = rankedFixtures();
  std::erase_if(fixtures, [](const Fixture& one) { return one.has("steps"); });
  return fixtures;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Response, testing::ValuesIn(fixturesWithDerivatives()),
                         [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(Fixtures, LinearHead, testing::ValuesIn(fixturesWith("seeded")),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace heft::test
