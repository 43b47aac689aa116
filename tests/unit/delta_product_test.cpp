#include "engine/kernels/products/delta_product.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/kernels/products/small_products.hpp"

namespace heft {
namespace {

struct Size {
  int64_t rows, inputs, outputs;
};

/// The largest error of a product, relative to the sizes of the terms that it sums.
double error(const at::Tensor& found, const at::Tensor& a, const at::Tensor& b, const at::Tensor& before) {
  const auto truth = a.to(at::kDouble).mm(b.to(at::kDouble)) + before.to(at::kDouble);
  const auto sizes = a.abs().to(at::kDouble).mm(b.abs().to(at::kDouble)) + before.abs().to(at::kDouble) + 1e-300;
  return ((found.to(at::kDouble) - truth).abs() / sizes).max().item<double>();
}

using By = DeltaProduct::By;

/// What multiplied the largest is left in `used`.
double worst(ProductForm form, By by, By& used) {
  auto random = at::detail::createCPUGenerator(3);
  double worst = 0;
  for (const auto& [rows, inputs, outputs] :
       {Size{1, 128, 64}, Size{33, 129, 67}, Size{64, 256, 1024}, Size{70, 131, 1}, Size{5, 3, 4}}) {
    const auto weights = at::empty({inputs, outputs}).normal_(0, 1, random);
    // Rows of very different sizes: each must keep its own relative accuracy.
    const auto scale = at::empty({rows, 1}).uniform_(-20, 2, random);
    const auto room = at::zeros({DeltaProduct::roomFor(rows), inputs});
    const auto values = room.narrow(0, 0, rows);
    values.copy_(at::empty({rows, inputs}).normal_(0, 1, random) * at::pow(10, scale));
    const DeltaProduct product(weights, form, by);
    used = std::max(used, product.by());
    Workspace workspace;
    for (const bool add : {false, true}) {
      auto wide = at::full({DeltaProduct::roomFor(rows), outputs + 5}, 1e-3f);
      auto out = wide.narrow(1, 2, outputs);
      const auto before = add ? out.narrow(0, 0, rows).clone() : at::zeros({rows, outputs});
      product.multiply(product.prepare(values, workspace, 0), rows, out, add);
      worst = std::max(worst, error(out.narrow(0, 0, rows), values, weights, before));
      EXPECT_TRUE(wide.narrow(1, 0, 2).eq(1e-3f).all().item<bool>()) << "written beside the output";
      EXPECT_TRUE(wide.narrow(1, outputs + 2, 3).eq(1e-3f).all().item<bool>()) << "written beside the output";
    }
  }
  return worst;
}

TEST(DeltaProduct, InFloat32KeepsItsRelativeAccuracy) {
  auto used = By::library;
  EXPECT_LT(worst(ProductForm::halves, By::library, used), 3e-7);
  EXPECT_EQ(used, By::library);
}

TEST(DeltaProduct, ByPanelsKeepsTheAccuracyOfFloat32) {
  if (!DeltaProduct::works(By::panels)) GTEST_SKIP() << "this processor has no AVX-512";
  auto used = By::library;
  EXPECT_LT(worst(ProductForm::halves, By::panels, used), 3e-7);
  EXPECT_EQ(used, By::panels);
}

TEST(DeltaProduct, ByTilesKeepsSixteenBits) {
  if (!DeltaProduct::works(By::tiles)) GTEST_SKIP() << "this processor multiplies no tiles of bfloat16";
  auto used = By::library;
  EXPECT_LT(worst(ProductForm::halves, By::tiles, used), 1.0 / (1 << 16));
  EXPECT_EQ(used, By::tiles);
  releaseSmall();
}

TEST(DeltaProduct, RoundedKeepsEightBits) {
  if (!DeltaProduct::works(By::tiles)) GTEST_SKIP() << "this processor multiplies no tiles of bfloat16";
  auto used = By::library;
  const auto found = worst(ProductForm::rounded, By::tiles, used);
  EXPECT_LT(found, 1.0 / (1 << 8));
  EXPECT_GT(found, 1.0 / (1 << 16)) << "not rounded";
  EXPECT_EQ(used, By::tiles);
  releaseSmall();
}

TEST(DeltaProduct, SumsOfARowDontDependOnTheRowsBesideIt) {
  auto random = at::detail::createCPUGenerator(7);
  for (const auto by : {By::panels, By::tiles}) {
    const auto form = by == By::tiles ? ProductForm::rounded : ProductForm::halves;
    for (const int64_t inputs : {31, 256, 1025}) {
      const DeltaProduct product(at::empty({inputs, 130}).normal_(0, 1, random), form, by);
      const auto values = at::empty({DeltaProduct::roomFor(200), inputs}).normal_(0, 1, random);
      Workspace workspace;
      const auto times = [&](int64_t rows) {
        auto out = at::empty({DeltaProduct::roomFor(rows), 130});
        product.multiply(product.prepare(values.narrow(0, 0, rows), workspace, 0), rows, out, false);
        return out.narrow(0, 0, rows);
      };
      const auto all = times(200);
      for (const int64_t rows : {1, 33, 129})
        EXPECT_TRUE(times(rows).equal(all.narrow(0, 0, rows))) << inputs << ' ' << rows;
    }
  }
  releaseSmall();
}

}  // namespace
}  // namespace heft
