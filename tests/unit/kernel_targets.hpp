#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <string>
#include <vector>

namespace heft::kernels {

/// All sets of instructions that were compiled for and that this processor has.
inline std::vector<std::int64_t> targets() {
  std::vector<std::int64_t> found;
  for (std::int64_t left = hwy::SupportedTargets() & ~std::int64_t{HWY_EMU128 | HWY_SCALAR}; left != 0;
       left &= left - 1)
    found.push_back(left & -left);
  return found;
}

inline std::string targetName(const testing::TestParamInfo<std::int64_t>& target) {
  return hwy::TargetName(target.param);
}

/// Runs each test with one set of instructions.
class OnEachTarget : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

}  // namespace heft::kernels
