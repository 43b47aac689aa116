#include "measure/weights/perturbation.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "file_helpers.hpp"

namespace heft {
namespace {

using Values = std::vector<double>;

const Values kMatrix{-2, -0.5, 0, 0.25, 1, 4};

Perturber perturber(const std::string& text, std::span<const double> values = kMatrix, std::uint64_t seed = 7,
                    std::int64_t parameter = 3) {
  return {values, Perturbation::parse(text), seed, parameter};
}

Values changed(const std::string& text, std::span<const double> values = kMatrix, std::uint64_t seed = 7,
               std::int64_t parameter = 3) {
  std::vector<std::int64_t> all(values.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  return perturber(text, values, seed, parameter).change(all);
}

TEST(Perturbation, ClosedFormsHold) {
  EXPECT_EQ(changed("zero"), (Values{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(changed("scale:0.5"), (Values{-1, -0.25, 0, 0.125, 0.5, 2}));
  EXPECT_EQ(changed("flip"), (Values{2, 0.5, 0, -0.25, -1, -4}));
  const double mean = 2.75 / 6;
  for (const double value : changed("mean")) EXPECT_DOUBLE_EQ(value, mean);
  const Values equal(1000, 0.1);
  EXPECT_EQ(changed("mean", equal)[0], 0.1);
}

TEST(Perturbation, RoundingTakesTheNearestLevelOfTheLargestWeight) {
  // 3 bits: three levels a side, 4/3 apart.
  const double step = 4.0 / 3;
  const Values rounded = changed("round:3");
  const Values levels{-2 * step, 0, 0, 0, step, 3 * step};  // -2 is 1.5 steps: halves go to even
  for (std::size_t i = 0; i < levels.size(); ++i) EXPECT_NEAR(rounded[i], levels[i], 1e-15) << i;
  EXPECT_EQ(changed("round:2"), (Values{0, 0, 0, 0, 0, 4}));  // -2 is half a step
  EXPECT_EQ(changed("round:2", Values{-2.01, 4})[0], -4);
  const double mean = 7.75 / 6;
  EXPECT_EQ(changed("round:1"), (Values{-mean, -mean, mean, mean, mean, mean}));
  EXPECT_EQ(changed("round:8", Values{0, 0}), (Values{0, 0}));
}

TEST(Perturbation, RoundingIsOffByHalfAStepAtMostAndKeepsTheLargest) {
  const Values fine{0.1234567, -0.7, 0.3, 0.6999};
  for (int bits = 2; bits <= 16; ++bits) {
    const Values rounded = changed("round:" + std::to_string(bits), fine);
    const double half_step = 0.7 / (std::exp2(bits - 1) - 1) / 2;
    for (std::size_t i = 0; i < fine.size(); ++i) EXPECT_LE(std::abs(rounded[i] - fine[i]), half_step * (1 + 1e-12));
    EXPECT_EQ(rounded[1], -0.7);
  }
}

TEST(Perturbation, APermutedDrawIsAnotherWeightOfTheMatrix) {
  const Values values{0, 1, 2, 3, 4};
  std::map<double, int> drawn;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const double value = perturber("permute", values, seed).change(2);
    ASSERT_NE(value, 2);
    ++drawn[value];
  }
  ASSERT_EQ(drawn.size(), 4U);
  // Each of four is expected 1000 times, with a deviation of 27.
  for (const auto& [value, times] : drawn) EXPECT_NEAR(times, 1000, 5 * 27.4) << value;
  EXPECT_EQ(changed("permute", Values{3}), (Values{3}));
}

TEST(Perturbation, NoiseIsNormalWithAShareOfTheMatrixsDeviation) {
  Values values(20000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 1 : 5;  // mean 3, deviation 2
  const Values noisy = changed("noise:0.5", values);
  double sum = 0, squares = 0, fourth = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double z = noisy[i] - values[i];
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
  }
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 5 * std::sqrt(96 / n));
}

TEST(Perturbation, AWeightChangesAlikeAloneAndAmongOthers) {
  for (const char* text : {"zero", "mean", "permute", "noise:0.1", "scale:2", "flip", "round:4"}) {
    const Values all = changed(text);
    const Perturber one = perturber(text);
    const std::vector<std::int64_t> some{5, 0, 3};
    EXPECT_EQ(one.change(some), (Values{all[5], all[0], all[3]})) << text;
    for (std::size_t i = 0; i < kMatrix.size(); ++i) {
      EXPECT_EQ(one.change(static_cast<std::int64_t>(i)), all[i]) << text;
      EXPECT_EQ(one.change(kMatrix[i], static_cast<std::int64_t>(i)), all[i]) << text;
    }
  }
}

TEST(Perturbation, DrawsDifferBySeedParameterAndPlace) {
  Values values(8, 0.0);
  values[0] = 1;
  const Values first = changed("noise:1", values);
  EXPECT_NE(first, changed("noise:1", values, 8));
  EXPECT_NE(first, changed("noise:1", values, 7, 4));
  EXPECT_NE(first[1], first[2]);
  EXPECT_NE(first[2], changed("noise:1", values, 7, 4)[1]) << "the next parameter's draws are not the same ones, moved";
  EXPECT_EQ(first, changed("noise:1", values));
}

TEST(Perturbation, AMatrixWithoutAMeanIsRefused) {
  const Values odd{1, std::numeric_limits<double>::infinity()};
  for (const char* text : {"mean", "noise:1", "round:8"}) {
    EXPECT_NE(test::errorOf([&] { (void)perturber(text, odd); }, Fault::unsupported).find("found inf at place 1"),
              std::string::npos);
  }
  EXPECT_EQ(changed("zero", odd), (Values{0, 0}));
}

}  // namespace
}  // namespace heft
