#include "engine/execute/delta/rounding_table.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace heft {
namespace {

/// Some rows of one sample, and all that the table is asked about.
struct Product {
  at::Tensor weights, differences, adjoints;  ///< [results, inputs], [rows, inputs], [elements, 1, results]

  [[nodiscard]] static at::Tensor rounded(const at::Tensor& values) { return values.to(at::kBFloat16).to(at::kFloat); }
  /// adjoints . (W d - W' d'), float64 [rows, elements].
  [[nodiscard]] at::Tensor lost() const {
    const auto exact = differences.to(at::kDouble).mm(weights.t().to(at::kDouble));
    const auto coarse = rounded(differences).to(at::kDouble).mm(rounded(weights).t().to(at::kDouble));
    return (exact - coarse).mm(adjoints.select(1, 0).t().to(at::kDouble));
  }
};

Product random(int64_t inputs, int64_t results, int64_t elements) {
  auto generator = at::detail::createCPUGenerator(7);
  const auto normal = [&](at::IntArrayRef sizes) { return at::empty(sizes).normal_(0, 1, generator); };
  return {normal({results, inputs}), normal({9, inputs}), normal({elements, 1, results})};
}

/// Relative, of all rows and elements together.
double error(const at::Tensor& found, const at::Tensor& want) {
  return ((found.to(at::kDouble) - want).norm() / want.norm()).item<double>();
}

TEST(RoundingTable, TellsWhatRoundingTakesFromAProduct) {
  for (const auto elements : {1, 5, 16}) {
    const auto product = random(130, 90, elements);
    const auto high = Product::rounded(product.differences), rest = Product::rounded(product.differences - high);
    // A row holds the rounded numbers behind three columns of something else, and the rest in front.
    RoundingTable table(2, 1, {3 + 2 * 130, 16, false}, at::kCPU);
    table.fill(1, 3 + 130, 3, RoundingTable::Weights(product.weights), product.adjoints);
    const auto rows = at::cat({at::ones({9, 3}), rest, high}, 1);
    const auto found = rows.mm(table.at(1)[0].to(at::kFloat)).narrow(1, 0, elements);
    // The table is rounded itself, which costs a hundredth of what it tells at most.
    EXPECT_LT(error(found, product.lost()), 5e-3) << elements;
    EXPECT_TRUE(table.at(0).eq(0).all().item<bool>()) << "of a step that was not filled";
    EXPECT_TRUE(table.at(1).narrow(2, elements, 16 - elements).eq(0).all().item<bool>());
  }
}

TEST(RoundingTable, LiesInPairsForSmallProducts) {
  const auto product = random(130, 90, 5);
  RoundingTable flat(1, 1, {260, 16, false}, at::kCPU), pairs(1, 1, {260, 16, true}, at::kCPU);
  for (auto* table : {&flat, &pairs}) table->fill(0, 0, 130, RoundingTable::Weights(product.weights), product.adjoints);
  const auto in_pairs = pairs.at(0)[0], in_rows = flat.at(0)[0];
  ASSERT_EQ(in_pairs.sizes(), (std::vector<int64_t>{130, 16, 2}));
  for (int64_t term = 0; term < 260; ++term)
    EXPECT_TRUE(in_pairs[term / 2].select(1, term % 2).equal(in_rows[term])) << term;
}

}  // namespace
}  // namespace heft
