#include "model/placement.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

// LibTorch's device without memory stands for a CUDA device here, so that every machine can say what would be placed there.

namespace heft {
namespace {

using torch::jit::Stack;

const c10::Device kThere(c10::kMeta);

Stack placed(const char* name, const char* overload, Stack stack, c10::Device device = kThere) {
  placeArguments(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload), stack, device);
  return stack;
}

at::Tensor here() { return at::ones({2, 3}); }
at::Tensor there() { return at::ones({2, 3}, kThere); }
bool isThere(const c10::IValue& value) { return value.toTensor().device() == kThere; }

/// size, dtype, layout, device, pin_memory
Stack factory(const c10::IValue& device, const c10::IValue& pinned = {}) {
  return {std::vector<int64_t>{2, 3}, c10::IValue(), c10::IValue(), device, pinned};
}

TEST(Placement, MakesOnTheDeviceWhatForwardMakesAnywhere) {
  EXPECT_EQ(placed("aten::zeros", "", factory({}))[3].toDevice(), kThere);
  EXPECT_TRUE(placed("aten::zeros", "", factory({}), c10::kCPU)[3].isNone());
}

TEST(Placement, LeavesToTensorsWhereTheirLikeIsMade) {
  const auto stack = placed("aten::zeros_like", "", {there(), {}, {}, {}, {}, {}});
  EXPECT_TRUE(stack[3].isNone());
}

TEST(Placement, RewritesDevicesThatAGraphHasBakedIn) {
  EXPECT_EQ(placed("aten::zeros", "", factory(c10::Device(c10::kCPU), false))[3].toDevice(), kThere);
  const c10::Device first(c10::kCUDA, 0), second(c10::kCUDA, 1);
  EXPECT_EQ(placed("aten::zeros", "", factory(first), c10::kCPU)[3].toDevice(), c10::Device(c10::kCPU));
  EXPECT_EQ(placed("aten::zeros", "", factory(first), second)[3].toDevice(), second);
}

TEST(Placement, LeavesInTheHostsMemoryWhatTorchScriptReadsOrWritesThere) {
  const c10::Device cpu(c10::kCPU);
  auto made_of_numbers = factory(cpu);
  made_of_numbers.emplace_back();  // memory_format
  EXPECT_EQ(placed("aten::empty", "memory_format", made_of_numbers)[3].toDevice(), cpu);
  auto traced = factory(cpu, false);
  traced.emplace_back();
  EXPECT_EQ(placed("aten::empty", "memory_format", traced)[3].toDevice(), kThere);
  const auto read = placed("aten::to", "dtype_layout", {there(), {}, {}, cpu, {}, false, false, {}});
  EXPECT_EQ(read[3].toDevice(), cpu);
}

TEST(Placement, BringsTensorsTogether) {
  const auto sum = placed("aten::add", "Tensor", {there(), here(), 1});
  EXPECT_TRUE(isThere(sum[0]) && isThere(sum[1]));
  for (const auto& one : placed("aten::cat", "", {c10::List<at::Tensor>({here(), there()}), 0})[0].toTensorVector())
    EXPECT_EQ(one.device(), kThere);
  c10::List<std::optional<at::Tensor>> index;
  index.push_back(std::nullopt);
  index.push_back(at::tensor({0, 2}, at::kLong));
  const auto picked = placed("aten::index", "Tensor", {there(), index})[1].toListRef().vec();
  EXPECT_TRUE(picked[0].isNone());
  EXPECT_TRUE(isThere(picked[1]));
}

TEST(Placement, LeavesTensorsThatAreTogether) {
  const auto tensor = here();
  const auto sum = placed("aten::add", "Tensor", {tensor, here(), 1});
  EXPECT_TRUE(sum[0].toTensor().is_same(tensor));
}

TEST(Placement, LeavesWhatIsWrittenWhereItIs) {
  const auto written = placed("aten::copy_", "", {here(), there(), false});
  EXPECT_FALSE(isThere(written[0]));
  EXPECT_TRUE(isThere(written[1]));  // LibTorch copies between devices by itself
  // What is read follows; from the meta device, which has no values, it can't.
  EXPECT_THROW(placed("aten::add_", "Tensor", {here(), there(), 1}), std::exception);
  const auto read = placed("aten::add_", "Tensor", {there(), here(), 1});
  EXPECT_TRUE(isThere(read[1]));
}

TEST(Placement, LeavesLengthsOnTheCpu) {
  const auto packed = placed("aten::_pack_padded_sequence", "", {there(), at::tensor({3, 2}, at::kLong), true});
  EXPECT_TRUE(packed[1].toTensor().is_cpu());
}

}  // namespace
}  // namespace heft
