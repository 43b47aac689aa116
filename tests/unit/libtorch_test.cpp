#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "engine/forward/libtorch_version.hpp"

TEST(LibTorch, IsTheVersionThatHeftIsWrittenFor) { EXPECT_EQ(heft::libtorch_version().substr(0, 5), "2.11."); }

TEST(LibTorch, LoadsAndRunsAScriptedModule) {
  torch::jit::Module module("sum");
  module.register_parameter("weight", torch::full({3}, 2.0), false);
  module.define("def forward(self, x):\n    return torch.sum(torch.tanh(x) * self.weight)\n");
  const auto path = std::filesystem::path(testing::TempDir()) / "heft_libtorch_test.pt";
  module.save(path.string());

  auto loaded = torch::jit::load(path.string());
  std::filesystem::remove(path);
  const auto x = torch::tensor({0.0, 1.0, -2.0});

  const double expected = 2.0 * (std::tanh(1.0) + std::tanh(-2.0));
  EXPECT_NEAR(loaded.forward({x}).toTensor().item<double>(), expected, 1e-6);
}

// Without OpenMP in the compiler's flags the same template runs all the work in one piece.
TEST(LibTorch, ParallelForSplitsItsWork) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::atomic<int> pieces{0};
  at::parallel_for(0, 1000, 1, [&](int64_t, int64_t) { ++pieces; });
  at::set_num_threads(before);
  EXPECT_EQ(pieces.load(), 2);
}
