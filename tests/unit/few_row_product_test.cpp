#include "engine/kernels/cpu/few_row_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "unit/kernel_targets.hpp"

namespace heft::kernels {
namespace {

class FewRows : public OnEachTarget {};

std::vector<double> drawn(std::int64_t count, std::mt19937_64& random) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (auto& one : values) one = std::uniform_real_distribution<double>(-1, 1)(random);
  return values;
}

TEST_P(FewRows, GiveTheSumsOfAnyShapeAndLeaveOtherColumnsAlone) {
  std::mt19937_64 random(5);
  for (std::int64_t rows = 1; rows <= 9; ++rows) {
    for (std::int64_t inputs : {1, 2, 7, 8, 9, 31, 64, 1'003}) {
      for (std::int64_t outputs : {1, 2, 3, 4, 5, 14}) {
        const auto x = drawn(rows * inputs, random), bias = drawn(outputs, random);
        auto w = drawn(outputs * inputs, random);
        for (auto& one : w) one = static_cast<float>(one);
        for (const bool biased : {false, true}) {
          const std::int64_t begin = outputs > 3 ? 1 : 0, end = outputs > 4 ? outputs - 1 : outputs;
          std::vector<double> y(static_cast<std::size_t>(rows * outputs), 77), again(y);
          std::vector<float> kept(w.size(), 55);
          FewRowProduct product;
          product.rows = rows;
          product.inputs = inputs;
          product.outputs = outputs;
          product.x = x.data();
          product.w = w.data();
          product.bias = biased ? bias.data() : nullptr;
          product.y = y.data();
          ASSERT_TRUE(fewRowProduct(product, begin, end));
          product.keep = kept.data();
          product.y = again.data();
          ASSERT_TRUE(fewRowProduct(product, begin, end));
          ASSERT_EQ(again, y);
          for (std::int64_t i = 0; i < outputs * inputs; ++i) {
            const auto o = i / inputs;
            const auto place = static_cast<std::size_t>(i);
            ASSERT_EQ(kept[place], o < begin || o >= end ? 55.0f : static_cast<float>(w[place]));
          }
          product.keep = nullptr;
          product.narrow = kept.data();
          std::fill(again.begin(), again.end(), 77);
          ASSERT_TRUE(fewRowProduct(product, begin, end));
          ASSERT_EQ(again, y);
          for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t o = 0; o < outputs; ++o) {
              long double sum = biased ? bias[static_cast<std::size_t>(o)] : 0, size = 1;
              for (std::int64_t i = 0; i < inputs; ++i) {
                const long double term = static_cast<long double>(x[static_cast<std::size_t>(r * inputs + i)]) *
                                         w[static_cast<std::size_t>(o * inputs + i)];
                sum += term;
                size += std::abs(term);
              }
              const double found = y[static_cast<std::size_t>(r * outputs + o)];
              if (o < begin || o >= end)
                ASSERT_EQ(found, 77) << rows << " " << inputs << " " << o;
              else
                ASSERT_NEAR(found, static_cast<double>(sum), 1e-15 * static_cast<double>(size))
                    << rows << " " << inputs << " " << o;
            }
          }
        }
      }
    }
  }
}

TEST_P(FewRows, SayWhereFloatsAreNotTheSame) {
  for (const std::int64_t inputs : {1, 8, 19}) {
    for (std::int64_t place = 0; place < 2 * inputs; ++place) {
      std::vector<double> x(static_cast<std::size_t>(inputs), 1), w(static_cast<std::size_t>(2 * inputs), 0.5), y(2);
      std::vector<float> kept(w.size());
      FewRowProduct product;
      product.rows = 1;
      product.inputs = inputs;
      product.outputs = 2;
      product.x = x.data();
      product.w = w.data();
      product.keep = kept.data();
      product.y = y.data();
      ASSERT_TRUE(fewRowProduct(product, 0, 2));
      w[static_cast<std::size_t>(place)] = 0.1;
      ASSERT_FALSE(fewRowProduct(product, 0, 2)) << inputs << " " << place;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FewRows, testing::ValuesIn(targets()), targetName);

}  // namespace
}  // namespace heft::kernels
