#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

double rms(const at::Tensor& values) { return values.square().mean().sqrt().item<double>(); }

/// Relative to the impact; below 1e-12 of the outputs, float64 itself gives no more.
double allowed(double impact, double scale) { return 1e-9 * std::abs(impact) + 1e-12 * scale; }

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
  const auto expected = readExpected(GetParam());
  const auto baseline = fixture.baseline();
  const auto truth = at::tensor(expected.baseline, at::kDouble);
  ASSERT_EQ(baseline.numel(), truth.numel());
  EXPECT_LE(rms(baseline - truth), 1e-12 * rms(truth));
  const auto loop = makeLoopExecutor(fixture.runner(), fixture.layout());
  size_t found = 0;
  for (const auto& [name, index] : expected.index) {
    const auto parameter = fixture.find(name);
    if (!parameter) continue;
    ++found;
    std::vector<Variant> variants;
    for (const auto i : index) variants.push_back(setWeights(*parameter, {i}));
    const auto outputs = executeAll(*loop, variants);
    for (size_t i = 0; i < index.size(); ++i) {
      const auto impact = rms(outputs[static_cast<int64_t>(i)] - baseline);
      const auto want = expected.impact.at(name)[i];
      EXPECT_NEAR(impact, want, allowed(want, rms(truth))) << name << "[" << index[i] << "]";
    }
  }
  if (found == 0) GTEST_SKIP() << "the weights of this model have no names";
}

TEST_P(Executors, BatchEqualsLoop) {
  LoadedFixture fixture(GetParam());
  const auto baseline = fixture.baseline();
  const auto loop = makeLoopExecutor(fixture.runner(), fixture.layout());
  const auto batch = makeBatchExecutor(fixture.runner(), fixture.layout());
  for (size_t p = 0; p < fixture.model().parameters.size(); ++p) {
    const auto variants = variantsOf(fixture.model(), static_cast<int64_t>(p));
    const auto want = executeAll(*loop, variants);
    const auto found = executeAll(*batch, variants);
    for (int64_t v = 0; v < want.size(0); ++v) {
      EXPECT_LE(rms(found[v] - want[v]), allowed(rms(want[v] - baseline), rms(baseline)))
          << fixture.model().parameters[p].name << " variant " << v;
    }
  }
  if (std::getenv("SHOW_NOTES")) for (const auto& note : batch->notes()) std::cout << "NOTE " << GetParam().name << ": " << note << "\n";
  EXPECT_TRUE(fixture.baseline().equal(baseline)) << "some weight or state was not put back";
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Executors, testing::ValuesIn(rankedFixtures()),
                         [](const testing::TestParamInfo<Fixture>& info) { return info.param.name; });

}  // namespace
}  // namespace heft::test
