#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/forward/steady_products.hpp"
#include "parity/loaded_fixture.hpp"

// A ranking in shards is merged bit for bit only because a variant's outputs depend on nothing but the variant: not on
// which others share its chunk, nor on the chunk's size, nor on the number of threads.

namespace heft::test {
namespace {

/// Single weights all over every parameter, in the order in which rankings execute them.
std::vector<Variant> singleWeights(const Model& model, int64_t most) {
  std::vector<Variant> variants;
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    const auto weights = model.parameters[p].value.numel();
    const auto count = std::min(weights, most);
    for (int64_t i = 0; i < count; ++i) variants.push_back(setWeights(static_cast<int64_t>(p), {i * weights / count}));
  }
  return variants;
}

/// Outputs of all variants of a fresh executor, [variants, elements]; prepared as rankings prepare theirs.
at::Tensor outputsOf(LoadedFixture& fixture, const std::vector<Variant>& all, const std::vector<size_t>& which,
                     const BatchOptions& options) {
  const auto executor = makeBatchExecutor(fixture.runner(), fixture.layout(), options);
  executor->prepare(all);
  std::vector<Variant> some;
  for (const auto one : which) some.push_back(all[one]);
  return executeAll(*executor, some);
}

/// The weights whose outputs are other bits than in `want`, by their number; where products are not `steady`, by more than float32 (in which differences are
/// carried) leaves unsure.
std::vector<size_t> unlike(const at::Tensor& want, const at::Tensor& found, const std::vector<size_t>& which,
                           bool steady = true) {
  std::vector<size_t> others;
  for (size_t i = 0; i < which.size(); ++i) {
    const auto a = want[static_cast<int64_t>(which[i])], b = found[static_cast<int64_t>(i)];
    const auto size = steady ? 0.0 : 1e-7 * a.nan_to_num(0.0, 0.0, 0.0).abs().max().item<double>();
    if (!at::allclose(a.nan_to_num(1e300), b.nan_to_num(1e300), 0, size)) others.push_back(which[i]);
  }
  return others;
}

std::vector<size_t> everyNth(size_t count, size_t step, size_t first) {
  std::vector<size_t> which;
  for (auto i = first; i < count; i += step) which.push_back(i);
  return which;
}

/// LibTorch's batch norm that trains sums over samples thread by thread, so the number of threads shows in the last bits.
const std::set<std::string> kBitsOfThreads{"traced_batch_norm_left_training"};

void expectSameBits(LoadedFixture& fixture, int64_t most, bool threads_too) {
  at::set_num_threads(1);
  const auto variants = singleWeights(fixture.model(), most);
  const auto all = everyNth(variants.size(), 1, 0);
  auto want = outputsOf(fixture, variants, all, {});
  const auto expectEqual = [&](const std::string& how, const std::vector<size_t>& which, const BatchOptions& options) {
    const auto others = unlike(want, outputsOf(fixture, variants, which, options), which,
                               at::get_num_threads() == 1 || steadyProducts());
    EXPECT_TRUE(others.empty()) << how << ": " << others.size() << " of " << which.size() << " variants differ, first "
                                << (others.empty() ? 0 : others[0]);
  };
  expectEqual("every third", everyNth(variants.size(), 3, 1), {});
  expectEqual("every seventeenth", everyNth(variants.size(), 17, 5), {});
  expectEqual("one alone", {variants.size() / 2}, {});
  expectEqual("small chunks", all, {.rows = 96});
  auto baseline = fixture.baseline();
  for (const int threads : threads_too ? std::vector<int>{2, 3} : std::vector<int>{}) {
    at::set_num_threads(threads);
    // Where the processor is not Intel's, MKL takes products of few rows by kernels that depend on the threads: the unchanged model's
    // outputs have other bits then, and so have all variants'.
    if (const auto now = fixture.baseline(); !at::equal(now, baseline)) {
      baseline = now;
      want = outputsOf(fixture, variants, all, {});
    }
    expectEqual(std::to_string(threads) + " threads", all, {});
    expectEqual(std::to_string(threads) + " threads, every fifth", everyNth(variants.size(), 5, 2), {});
  }
  at::set_num_threads(1);
}

/// Known to depend on the chunk: a convolution written in forward runs over all variants at once, and LibTorch chooses how by
/// their number.
const std::set<std::string> kBitsOfChunks{"stream_voice"};

class SameBits : public testing::TestWithParam<Fixture> {};

/// Seen on an H100.
const std::set<std::string> kBitsOfChunksOnDevices{"attention_over_time"};

TEST_P(SameBits, WhateverTheChunksAndThreads) {
  if (kBitsOfChunks.count(GetParam().name) > 0) GTEST_SKIP() << "LibTorch's convolution depends on the chunk";
  if (testDevice().is_cuda() && kBitsOfChunksOnDevices.count(GetParam().name) > 0)
    GTEST_SKIP() << "on a device LibTorch's batched products depend on the chunk";
  LoadedFixture fixture(GetParam());
  expectSameBits(fixture, 60, kBitsOfThreads.count(GetParam().name) == 0);
}

INSTANTIATE_TEST_SUITE_P(Models, SameBits, testing::ValuesIn(rankedFixtures()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace heft::test
