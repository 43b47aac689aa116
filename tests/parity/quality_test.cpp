#include "parity/quality.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "data/safetensors.hpp"
#include "parity/fixtures.hpp"
#include "unit/file_helpers.hpp"

// What estimates are held to: METHOD.md's figures with room for other models.

namespace heft::test {
namespace {

void expectQuality(Session& session, size_t random, size_t top) {
  const auto all = qualityOf(session, random, top);
  const bool relu = !session.structure().layers.empty() && session.structure().layers[0].kind == "RNN (relu)";
  EXPECT_FALSE(all.empty());
  for (const auto& [name, quality] : all) {
    // Ranks of the few entries of a bias are tied within the estimate's error more easily than those of a matrix.
    const bool matrix = name.find("bias") == std::string::npos;
    const bool unit = quality.method == "unit response";
    EXPECT_GE(quality.spearman, unit && matrix ? 0.9995 - 2 * quality.probe_error * quality.probe_error : 0.99) << name;
    // A relu's corner has no slope to go by, so its units are told less well.
    const double median = relu ? 0.004 : 0.002;
    EXPECT_LE(quality.median, (unit && matrix ? median : 0.01) + quality.probe_error) << name;
    EXPECT_GE(quality.top_spearman, unit ? 0.97 : 0.9) << name;
  }
}

std::vector<Fixture> seededFixtures() {
  std::vector<Fixture> seeded;
  for (const auto& one : rankedFixtures()) {
    if (one.has("seeded")) seeded.push_back(one);
  }
  return seeded;
}

class SeededQuality : public testing::TestWithParam<Fixture> {};

TEST_P(SeededQuality, EstimatesAgreeWithExecutionsOnRandomWeightsAndOnTheTop) {
  Session session(GetParam().options());
  expectQuality(session, 300, 50);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, SeededQuality, testing::ValuesIn(seededFixtures()), [](const auto& one) { return one.param.name; });

SessionOptions shipped(const std::string& name) {
  const std::filesystem::path folder = HEFT_MODELS;
  SessionOptions options;
  options.model = folder / (name + ".pt");
  options.inputs = {folder / (name + "-inputs.safetensors")};
  return options;
}

TEST(ShippedQuality, OfDigitsLstm) {
  Session session(shipped("digits-lstm"));
  expectQuality(session, 100, 50);
}

TEST(ShippedQuality, OfWeatherGru) {
  Session session(shipped("weather-gru"));
  expectQuality(session, 300, 50);
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
