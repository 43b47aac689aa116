#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

#include "engine/estimate/take_emission_adjoints.hpp"
#include "engine/execute/few_rows.hpp"
#include "engine/kernels/products/delta_product.hpp"
#include "heft/error.hpp"
#include "measure/session/session.hpp"
#include "parity/loaded_fixture.hpp"

namespace heft::test {
namespace {

double rms(const at::Tensor& values) { return values.square().mean().sqrt().item<double>(); }

/// Relative to the impact; below 1e-12 of the outputs, float64 itself gives no more.
double allowed(double impact, double scale) { return 1e-9 * std::abs(impact) + 1e-12 * scale; }

/// The batched executor carries differences in float32; where they are small beside the outputs, both executors round to float64.
double allowedBatched(double impact, double scale) { return 1e-5 * std::abs(impact) + 1e-14 * scale; }

/// Fixtures with an operator that has no way to run for many variants at once: the shape of its result
/// depends on the data, or it trains. All others must run batched, and not fall back on the loop unnoticed.
const std::set<std::string> kOneAtATime{"traced_batch_norm_left_training", "shape_boolean_mask_body",
                                        "shape_nonzero_body", "shape_detections_body", "steps_item"};
/// Without its weights the power iteration divides nothing by nothing, which some ways to multiply take for an error of theirs.
const std::set<std::string> kNotesMayDiffer{"write_power"};

class Executors : public testing::TestWithParam<Fixture> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
};

/// Single weights, rows, columns and the whole of every parameter, some with values other than zero.
std::vector<Variant> variantsOf(const Model& model, int64_t parameter) {
  const auto& value = model.parameters[static_cast<size_t>(parameter)].value;
  const auto rows = value.dim() == 0 ? 1 : value.size(0);
  const auto columns = value.numel() / rows;
  std::mt19937_64 random(static_cast<uint64_t>(parameter));
  const auto draw = [&](int64_t count) { return static_cast<int64_t>(random() % static_cast<uint64_t>(count)); };
  std::vector<Variant> variants;
  for (int i = 0; i < 24; ++i) variants.push_back(setWeights(parameter, {draw(value.numel())}));
  for (int i = 0; i < 2; ++i) {
    std::vector<int64_t> row, column, all;
    const auto r = draw(rows), c = draw(columns);
    for (int64_t k = 0; k < columns; ++k) row.push_back(r * columns + k);
    for (int64_t k = 0; k < rows; ++k) column.push_back(k * columns + c);
    for (int64_t k = 0; k < value.numel(); ++k) all.push_back(k);
    variants.push_back(setWeights(parameter, row, 0.25 * i));
    variants.push_back(setWeights(parameter, column, 0.25 * i));
    variants.push_back(setWeights(parameter, all, 0.125 * i));
  }
  // Two weights in different rows and columns.
  variants.push_back(setWeights(parameter, {0, value.numel() - 1}, -0.5));
  return variants;
}

TEST_P(Executors, LoopGivesTheImpactsThatPyTorchComputes) {
  LoadedFixture fixture(GetParam());
  const auto baseline = fixture.baseline();
  const auto truth = at::tensor(expectedBaseline(GetParam()), at::kDouble);
  ASSERT_EQ(baseline.numel(), truth.numel());
  EXPECT_LE(rms(baseline - truth), 1e-12 * rms(truth));
  const auto loop = makeLoopExecutor(fixture.runner(), fixture.layout());
  for (const auto& expected : expectedImpacts(GetParam())) {
    const auto places = placesOf(expected, fixture.model());
    std::vector<Variant> variants;
    for (const auto& place : places) {
      ASSERT_GE(place.parameter, 0) << expected.parameter << " is not in the model";
      variants.push_back(setWeights(place.parameter, {place.flat}));
    }
    const auto outputs = executeAll(*loop, variants);
    for (size_t i = 0; i < places.size(); ++i) {
      const auto impact = rms(outputs[static_cast<int64_t>(i)] - baseline);
      EXPECT_NEAR(impact, expected.impact[i], allowed(expected.impact[i], rms(truth)))
          << expected.parameter << "[" << expected.index[i] << "]";
    }
  }
}

void expectBatchEqualsLoop(const Fixture& one, const BatchOptions& options) {
  LoadedFixture fixture(one);
  const auto baseline = fixture.baseline();
  const auto loop = makeLoopExecutor(fixture.runner(), fixture.layout());
  const auto batch = makeBatchExecutor(fixture.runner(), fixture.layout(), options);
  for (size_t p = 0; p < fixture.model().parameters.size(); ++p) {
    const auto variants = variantsOf(fixture.model(), static_cast<int64_t>(p));
    const auto want = executeAll(*loop, variants);
    const auto found = executeAll(*batch, variants);
    for (int64_t v = 0; v < want.size(0); ++v) {
      if (!want[v].isfinite().all().item<bool>()) {  // a row without length has no direction
        EXPECT_FALSE(found[v].isfinite().all().item<bool>()) << fixture.model().parameters[p].name << " variant " << v;
        continue;
      }
      EXPECT_LE(rms(found[v] - want[v]), allowedBatched(rms(want[v] - baseline), rms(baseline)))
          << fixture.model().parameters[p].name << " variant " << v;
    }
  }
  if (kNotesMayDiffer.count(one.name) == 0) {
    EXPECT_EQ(batch->notes().empty(), kOneAtATime.count(one.name) == 0)
        << (batch->notes().empty() ? "" : batch->notes()[0]);
  }
  EXPECT_TRUE(fixture.baseline().equal(baseline)) << "some weight or state was not put back";
}

TEST_P(Executors, BatchEqualsLoop) { expectBatchEqualsLoop(GetParam(), {.spoil_unread = true}); }

TEST_P(Executors, BatchAsOnADeviceEqualsLoop) { expectBatchEqualsLoop(GetParam(), {.as_device = true}); }

TEST_P(Executors, RunsOfFewRowsEqualPlainOnes) {
  LoadedFixture fixture(GetParam());
  const auto baseline = fixture.baseline();
  const at::NoGradGuard no_grad;
  FewRowsHandler all(fixture.model(), /*weights=*/1, /*rows=*/1 << 20);
  const auto found = fixture.layout().table(fixture.runner().run(all)).flatten().to(at::kCPU);
  EXPECT_LE(rms(found - baseline), 1e-13 * rms(baseline));
}

struct Stop {};

TEST_P(Executors, PutEverythingBackWhenTheReceiverThrows) {
  LoadedFixture fixture(GetParam());
  const auto baseline = fixture.baseline();
  std::vector<at::Tensor> weights;
  for (const auto& parameter : fixture.model().parameters) weights.push_back(parameter.value.clone());
  std::vector<Variant> variants;
  for (size_t p = 0; p < weights.size(); ++p) variants.push_back(setWeights(static_cast<int64_t>(p), {0}, 3.5));
  ASSERT_FALSE(variants.empty());
  const auto stop = [](size_t first, const at::Tensor&) {
    if (first > 0) throw Stop();
  };
  variants.push_back(variants[0]);
  for (const auto& executor :
       {makeLoopExecutor(fixture.runner(), fixture.layout()), makeBatchExecutor(fixture.runner(), fixture.layout())}) {
    EXPECT_THROW(executor->execute(variants, stop), Stop);
    for (size_t p = 0; p < weights.size(); ++p) {
      EXPECT_TRUE(fixture.model().parameters[p].value.equal(weights[p])) << fixture.model().parameters[p].name;
    }
    EXPECT_TRUE(fixture.baseline().equal(baseline));
  }
}

std::string nameOf(const testing::TestParamInfo<Fixture>& fixture) { return fixture.param.name; }

INSTANTIATE_TEST_SUITE_P(Fixtures, Executors, testing::ValuesIn(rankedFixtures()), nameOf);

TEST(BatchExecutor, NamesTheOperatorThatRunsOneVariantAtATimeOnce) {
  LoadedFixture loaded(fixture("shape_nonzero_body"));
  const auto batch = makeBatchExecutor(loaded.runner(), loaded.layout());
  for (int64_t p = 0; p < static_cast<int64_t>(loaded.model().parameters.size()); ++p) {
    executeAll(*batch, {setWeights(p, {0}), setWeights(p, {1})});
  }
  ASSERT_EQ(batch->notes().size(), 1U);
  EXPECT_NE(batch->notes()[0].find("aten::nonzero"), std::string::npos) << batch->notes()[0];
}

TEST(BatchExecutor, TakesFewerVariantsAtOnceWhereMemoryIsShort) {
  LoadedFixture loaded(fixture("lstm_2_layers_batch_first"));
  std::vector<Variant> variants;
  for (int64_t i = 0; i < 40; ++i) variants.push_back(setWeights(0, {i}));
  const auto chunks = [&](int64_t memory) {
    const auto batch = makeBatchExecutor(loaded.runner(), loaded.layout(), {.memory = memory});
    std::vector<int64_t> sizes;
    batch->execute(variants, [&](size_t, const at::Tensor& outputs) { sizes.push_back(outputs.size(0)); });
    EXPECT_TRUE(batch->notes().empty());
    return sizes;
  };
  const auto roomy = chunks(int64_t{1} << 30);
  const auto tight = chunks(int64_t{1} << 16);
  EXPECT_EQ(roomy, chunks(int64_t{1} << 30));
  EXPECT_EQ(roomy.size(), 1U);
  EXPECT_GT(tight.size(), 4U);
}

TEST(BatchExecutor, LoopsWhereCopiesOfAParameterDoNotFit) {
  LoadedFixture loaded(fixture("conv1d_lstm"));
  const auto parameter = loaded.find("conv.weight");
  ASSERT_TRUE(parameter.has_value());
  std::vector<Variant> variants;
  for (int64_t i = 0; i < 6; ++i) variants.push_back(setWeights(*parameter, {i}));
  const auto batch = makeBatchExecutor(loaded.runner(), loaded.layout(), {.memory = 64});
  const auto loop = makeLoopExecutor(loaded.runner(), loaded.layout());
  EXPECT_TRUE(executeAll(*batch, variants).allclose(executeAll(*loop, variants), 1e-12));
  ASSERT_EQ(batch->notes().size(), 1U);
  EXPECT_NE(batch->notes()[0].find("conv.weight"), std::string::npos) << batch->notes()[0];
}

TEST(BatchExecutor, ChangesSeveralParametersTogether) {
  LoadedFixture loaded(fixture("lstm_3_layers_bidirectional"));
  const auto count = static_cast<int64_t>(loaded.model().parameters.size());
  std::vector<Variant> variants;
  for (int64_t v = 0; v < 8; ++v) {
    Variant variant;
    for (int64_t p = 0; p < count; p += 3) variant.changes.push_back({p, {v, v + 1}, {0.0, 0.3}});
    variants.push_back(variant);
  }
  const auto batch = makeBatchExecutor(loaded.runner(), loaded.layout());
  const auto loop = makeLoopExecutor(loaded.runner(), loaded.layout());
  const auto baseline = loaded.baseline();
  const auto want = executeAll(*loop, variants);
  EXPECT_LE(rms(executeAll(*batch, variants) - want), allowedBatched(rms(want - baseline), rms(baseline)));
  EXPECT_TRUE(batch->notes().empty());
}

/// Models large enough for products by halves, on their own inputs.
enum class Products { float32, tiles, rounded_tiles, device_float32, device_halves, device_rounded };

class ShippedModel : public testing::TestWithParam<std::tuple<std::string, Products>> {};

TEST_P(ShippedModel, BatchIsWithinItsPrecision) {
  const auto& [name, products] = GetParam();
  const bool rounded = products == Products::rounded_tiles || products == Products::device_rounded;
  const bool halves = products == Products::tiles || products == Products::device_halves;
  const auto form = rounded ? ProductForm::rounded : halves ? ProductForm::halves : ProductForm::floats;
  if ((products == Products::tiles || products == Products::rounded_tiles) &&
      DeltaProduct::fastest(form) != DeltaProduct::By::tiles)
    GTEST_SKIP() << "this processor multiplies no tiles of bfloat16, or floats faster";
  at::set_num_threads(1);
  Session session(shipped(name));
  const auto baseline = session.baseline().to(at::kCPU).flatten();
  const auto loop = makeLoopExecutor(session.runner(), session.layout());
  const auto batch = makeBatchExecutor(
      session.runner(), session.layout(),
      {.products = form, .adjoints = emissionAdjoints, .as_device = products >= Products::device_float32});
  std::mt19937_64 random(5);
  for (size_t p = 0; p < session.model().parameters.size(); ++p) {
    const auto count = session.model().parameters[p].value.numel();
    std::vector<Variant> variants;
    for (int i = 0; i < (name == "char-lstm" ? 3 : 8); ++i) {  // the loop takes 0.1 s for each there
      const auto index = static_cast<int64_t>(random() % static_cast<uint64_t>(count));
      variants.push_back(setWeights(static_cast<int64_t>(p), {index}, 0.25 * (i % 3)));
    }
    const auto want = executeAll(*loop, variants);
    const auto found = executeAll(*batch, variants);
    for (int64_t v = 0; v < want.size(0); ++v) {
      // Rounded factors are off by 2^-9 each, at random.
      const auto allowed = rounded ? 0.01 * rms(want[v] - baseline) + 1e-14 * rms(baseline)
                                   : allowedBatched(rms(want[v] - baseline), rms(baseline));
      EXPECT_LE(rms(found[v] - want[v]), allowed) << session.model().parameters[p].name << " variant " << v;
    }
  }
  ASSERT_EQ(batch->notes().size(), rounded ? 1u : 0u);
  if (rounded) {
    EXPECT_NE(batch->notes()[0].find("rounded to bfloat16, as asked"), std::string::npos);
  }
}

std::string nameOfShipped(const testing::TestParamInfo<ShippedModel::ParamType>& one) {
  constexpr std::array kNames{"_float32",        "_tiles",         "_rounded_tiles",
                              "_device_float32", "_device_halves", "_device_rounded"};
  auto name = std::get<0>(one.param) + kNames.at(static_cast<size_t>(std::get<1>(one.param)));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(BatchExecutor, ShippedModel,
                         testing::Combine(testing::Values("digits-lstm", "weather-gru", "char-lstm"),
                                          testing::Values(Products::float32, Products::tiles, Products::rounded_tiles,
                                                          Products::device_float32, Products::device_halves,
                                                          Products::device_rounded)),
                         nameOfShipped);

/// A function may do what none of the values that its links were found with brought to light.
TEST(BatchExecutor, RunsAVariantAsItIsWhereMoreMovesThanItsLinkSays) {
  LoadedFixture loaded(fixture("function_alarm"));
  const auto head = loaded.find("head");
  ASSERT_TRUE(head.has_value());
  std::vector<Variant> usual, variants;
  for (int64_t i = 0; i < 32; ++i) usual.push_back(setWeights(*head, {i}));
  for (const double value : {0.0, 5.005, 4.5}) {
    for (int64_t i = 0; i < 5; ++i) variants.push_back(setWeights(*head, {i}, value));
  }
  const auto baseline = loaded.baseline();
  const auto want = executeAll(*makeLoopExecutor(loaded.runner(), loaded.layout()), variants);
  const auto batch = makeBatchExecutor(loaded.runner(), loaded.layout());
  executeAll(*batch, usual);  // the first variants of a kind are run beside the loop, which would find it out
  const auto found = executeAll(*batch, variants);
  for (int64_t v = 0; v < want.size(0); ++v)
    EXPECT_LE(rms(found[v] - want[v]), allowedBatched(rms(want[v] - baseline), rms(baseline))) << v;
  // All other weights moved there as well.
  EXPECT_GT((want[5] - want[10]).abs().min().item<double>(), 1e-3);
}

TEST(BatchExecutor, RefusesWeightsThatAreNotThere) {
  LoadedFixture loaded(fixture("lstm_1_layer"));
  for (const auto& executor :
       {makeLoopExecutor(loaded.runner(), loaded.layout()), makeBatchExecutor(loaded.runner(), loaded.layout())}) {
    EXPECT_THROW(executeAll(*executor, {setWeights(99, {0})}), Error);
    EXPECT_THROW(executeAll(*executor, {setWeights(0, {1 << 20})}), Error);
  }
}

}  // namespace
}  // namespace heft::test
