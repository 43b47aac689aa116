#include "engine/execute/spread_executor.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>

#include "data/scratch_folder.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "measure/rank/measurer.hpp"
#include "measure/rank/ranking_executor.hpp"
#include "parity/fixtures.hpp"
#include "parity/loaded_fixture.hpp"

namespace heft::test {
namespace {

constexpr size_t kPiece = 10;

/// Gives each variant the value that its one change sets, and counts what it is asked for.
class Echo : public Executor {
 public:
  explicit Echo(std::atomic<int>& executed) : executed_(executed) {}

  void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) override {
    for (size_t i = 0; i < variants.size(); ++i) {
      const auto value = variants[i].changes.at(0).value.at(0);
      if (value < 0) throw std::runtime_error("variant " + std::to_string(value));
      ++executed_;
      receive(i, at::full({1, 1, 1}, value, at::kDouble));
    }
  }
  [[nodiscard]] std::vector<std::string> notes() const override { return {"the same note"}; }

 private:
  std::atomic<int>& executed_;
};

std::unique_ptr<Executor> echoes(size_t count, std::atomic<int>& executed) {
  std::vector<std::unique_ptr<Executor>> all;
  for (size_t i = 0; i < count; ++i) all.push_back(std::make_unique<Echo>(executed));
  return makeSpreadExecutor(std::move(all), kPiece, at::kCPU);
}

std::vector<Variant> numbered(int count) {
  std::vector<Variant> variants;
  for (int i = 0; i < count; ++i) variants.push_back(setWeights(0, {0}, i));
  return variants;
}

TEST(SpreadExecutor, ReceivesInOrderWhoeverExecutes) {
  for (const size_t executors : {1, 2, 5}) {
    for (const int count : {0, 1, 10, 11, 487}) {
      std::atomic<int> executed = 0;
      const auto executor = echoes(executors, executed);
      std::vector<double> found;
      executor->execute(numbered(count), [&](size_t first, const at::Tensor& outputs) {
        ASSERT_EQ(first, found.size());
        for (int64_t i = 0; i < outputs.size(0); ++i) found.push_back(outputs[i].item<double>());
      });
      std::vector<double> want(static_cast<size_t>(count));
      std::iota(want.begin(), want.end(), 0.0);
      EXPECT_EQ(found, want);
      EXPECT_EQ(executed, count);
      EXPECT_EQ(executor->notes().size(), 1u);
    }
  }
}

TEST(SpreadExecutor, WhatOneThrowsEndsTheWhole) {
  std::atomic<int> executed = 0;
  auto variants = numbered(1000);
  variants[205].changes[0].value[0] = -1;
  const auto executor = echoes(3, executed);
  EXPECT_THROW(executor->execute(variants, [](size_t, const at::Tensor&) {}), std::runtime_error);
  EXPECT_LT(executed, 500) << "went on although nobody will have it";
}

TEST(SpreadExecutor, StopsWhenTheReceiverDoes) {
  std::atomic<int> executed = 0;
  const auto executor = echoes(3, executed);
  const auto stop = [](size_t first, const at::Tensor&) {
    if (first >= 50) throw Error(Fault::interrupted, "enough");
  };
  EXPECT_THROW(executor->execute(numbered(1000), stop), Error);
  EXPECT_LT(executed, 500);
}

/// What a model's weights are measured as, by a session that executes on `others` too.
std::vector<Measured> measured(const std::vector<c10::Device>& others, const RankSettings& settings, size_t count) {
  auto options = shipped("digits-lstm");
  options.devices.insert(options.devices.end(), others.begin(), others.end());
  Session session(options);
  const ScratchFolder folder;
  Checkpoint checkpoint(folder.path(), {}, 2 * settings.metrics.size());
  Measurer measurer(session, settings, rankingExecutor(session, settings), checkpoint);
  std::vector<std::uint64_t> flat;
  for (size_t i = 0; i < count; ++i) flat.push_back(i * measurer.flatWeights().size() / count);
  measurer.prepareOn({flat.front(), flat.back()});
  size_t last = 0;
  const auto found = measurer.weights(flat, [&](size_t done, size_t of) {
    EXPECT_GE(done, last);
    EXPECT_EQ(of, count);
    last = done;
  });
  EXPECT_EQ(last, count);
  EXPECT_EQ(measurer.executed(), count);
  return found;
}

TEST(SpreadExecutor, ModelsSideBySideGiveTheSameBits) {
  at::set_num_threads(1);
  for (const auto method : {Method::exhaustive, Method::reference}) {
    RankSettings settings;
    settings.method = method;
    settings.metrics = {Metric::rms, Metric::kl};
    const size_t count = method == Method::reference ? 600 : 3000;
    const auto alone = measured({}, settings, count),
               together = measured({testDevice(), testDevice()}, settings, count);
    ASSERT_EQ(alone.size(), together.size());
    for (size_t i = 0; i < alone.size(); ++i) {
      ASSERT_EQ(alone[i].value, together[i].value) << i;
      ASSERT_EQ(alone[i].standard_error, together[i].standard_error) << i;
    }
  }
}

TEST(ReadDevices, SaysWhatIsWrong) {
  EXPECT_EQ(readDevices("cpu"), std::vector<c10::Device>{c10::kCPU});
  for (const auto* text : {"cpu,cpu", "", "cuda:0,,cuda:1", "cpu,cuda", "cuda:x", "cuda:999,cuda:0"}) {
    try {
      (void)readDevices(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage) << text;
      EXPECT_TRUE(std::string(error.what()).starts_with("device ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace heft::test
