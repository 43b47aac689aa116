#include "parity/quality.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "analysis/rank_statistics.hpp"
#include "data/safetensors.hpp"
#include "measure/estimate/response.hpp"
#include "parity/fixtures.hpp"
#include "unit/file_helpers.hpp"

// What estimates are held to: the figures of docs/accuracy.md with room for other models.

namespace heft::test {
namespace {

void expectQuality(Session& session, size_t random, size_t top, bool front = false) {
  const auto all = qualityOf(session, random, top);
  const auto& layers = session.structure().layers;
  const bool relu = !layers.empty() && layers[0].kind == "RNN (relu)";
  EXPECT_FALSE(all.empty());
  for (const auto& [name, quality] : all) {
    // Ranks of the few entries of a bias are tied within the estimate's error more easily than those of a matrix.
    const bool matrix = name.find("bias") == std::string::npos;
    const bool unit = quality.method == "unit response";
    // Outside recurrent operators a weight of a vector (a norm's) may rule a unit. They are few: whatever calibrates a
    // run draws them nearly all, so that what is reported is executed.
    if (!unit && quality.size <= 128) continue;
    EXPECT_GE(quality.spearman, unit && matrix ? 0.9995 - 2 * quality.probe_error * quality.probe_error : 0.99) << name;
    EXPECT_LE(quality.median, (unit && matrix ? 0.002 : 0.02) + quality.probe_error) << name;
    EXPECT_GE(quality.top_spearman, unit ? 0.97 : 0.9) << name;
    // What gives a layer its input reaches all of its units at once, each of which bends: 1 to 4 % without that.
    if (front && (name.starts_with("embed") || name == "front" || name.starts_with("front."))) {
      EXPECT_LE(quality.median, relu ? 0.015 : 0.01) << name;
      EXPECT_GE(quality.top_spearman, relu ? 0.9 : 0.95) << name;
    }
  }
}

class SeededQuality : public testing::TestWithParam<Fixture> {};

TEST_P(SeededQuality, EstimatesAgreeWithExecutionsOnRandomWeightsAndOnTheTop) {
  Session session(GetParam().options());
  expectQuality(session, 300, 50, GetParam().name.starts_with("seeded_front_"));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, SeededQuality, testing::ValuesIn(fixturesWith("seeded")),
                         [](const auto& one) { return one.param.name; });

TEST(Quality, OfAnEmbeddingByProbesIsThatByEveryOutput) {
  // Readers keep Gram matrices then, and bend for the first probes alone.
  Session session(fixture(std::string("seeded_front_lstm")).options());
  const auto zero = [](int64_t, int64_t, double) { return 0.0; };
  const auto silent = [](const std::string&, double) {};
  ResponseOptions probes;
  probes.exact_elements = 0;
  probes.exact_flop = 0;
  probes.probes = probes.most_probes = 4096;
  const auto exact = estimateAll(session, zero, {}, silent);
  const auto probed = estimateAll(session, zero, probes, silent);
  ASSERT_EQ(exact.probes, 0);
  ASSERT_EQ(probed.probes, 4096);
  ASSERT_EQ(session.structure().parameters[0].site, "embedding");
  double mean = 0, far = 0;
  const auto best = largest(std::span<const double>(exact.impact[0][0]), 50);
  for (const auto place : best) {
    const auto ratio = probed.impact[0][0][place] / exact.impact[0][0][place];
    mean += ratio / static_cast<double>(best.size());
    far = std::max(far, std::abs(ratio - 1));
  }
  EXPECT_NEAR(mean, 1, 0.01);
  EXPECT_LT(far, 0.1);
}

TEST(ShippedQuality, OfDigitsLstm) {
  Session session(shipped("digits-lstm"));
  expectQuality(session, 100, 50);
}

TEST(ShippedQuality, OfWeatherGru) {
  Session session(shipped("weather-gru"));
  expectQuality(session, 300, 50);
}

/// The impacts of every weight of a session's model, estimated.
std::vector<double> allImpacts(Session& session) {
  const auto result = estimateAll(
      session, [](int64_t, int64_t, double) { return 0.0; }, {}, [](const std::string&, double) {});
  std::vector<double> all;
  for (const auto& one : result.impact[0]) all.insert(all.end(), one.begin(), one.end());
  return all;
}

TEST(Sanity, ImpactsOfARandomlyInitialisedModelDoNotResembleTheTrainedOnes) {
  Session session(shipped("weather-gru"));
  const auto trained = allImpacts(session);
  std::vector<at::Tensor> values;
  {
    const at::NoGradGuard no_grad;
    at::manual_seed(3);
    for (auto& parameter : session.model().parameters) {
      values.push_back(parameter.value.clone());
      parameter.value.uniform_(-0.18, 0.18);  // nn.GRU's own, 1 / sqrt(32)
    }
  }
  const auto random = allImpacts(session);
  // The new gate's rows of weight_hh alone: which matrix and gate a weight is in matters alike in any GRU.
  const auto& parameters = session.structure().parameters;
  ASSERT_EQ(parameters[1].role, "weight_hh");
  const auto end = static_cast<std::ptrdiff_t>(parameters[0].weights() + parameters[1].weights());
  const auto begin = end - static_cast<std::ptrdiff_t>(parameters[1].weights() / 3);
  const std::vector<double> hidden_trained(trained.begin() + begin, trained.begin() + end);
  const std::vector<double> hidden_random(random.begin() + begin, random.begin() + end);
  EXPECT_LT(std::abs(*spearman(std::span<const double>(hidden_trained), std::span<const double>(hidden_random))), 0.3);
  // It was the weights that made the difference, not that they were estimated twice.
  {
    const at::NoGradGuard no_grad;
    for (size_t p = 0; p < values.size(); ++p) session.model().parameters[p].value.copy_(values[p]);
  }
  const auto again = allImpacts(session);
  EXPECT_GT(*spearman(std::span<const double>(trained), std::span<const double>(again)), 0.999999);
}

TEST(ShippedQuality, OfCharLstmOnAFewCharacters) {
  // Two samples of 12 characters.
  const TemporaryFolder folder;
  auto options = shipped("char-lstm");
  auto tokens = readSafetensors(options.inputs[0]).tensors.at(0);
  const auto all = at::from_blob(tokens.bytes.data(), tokens.shape, at::kLong);
  const auto few = all.slice(0, 0, 2).slice(1, 0, 12).contiguous();
  const auto stored = storeTensor("tokens", {2, 12}, std::span<const int64_t>(few.const_data_ptr<int64_t>(), 24));
  const std::vector<TensorView> views{viewOf(stored)};
  options.inputs = {folder.path() / "few.safetensors"};
  writeSafetensors(options.inputs[0], views);
  Session session(options);
  const auto quality = qualityOf(session, 40, 50, 100'000);
  EXPECT_EQ(quality.size(), 4U);
  for (const auto& [name, one] : quality) {
    EXPECT_LE(one.median, 0.002) << name;
    EXPECT_GE(one.spearman, 0.9995) << name;
    EXPECT_GE(one.top_spearman, 0.95) << name;  // so few inputs drive the network far
  }
}

}  // namespace
}  // namespace heft::test
