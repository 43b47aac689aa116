#include "engine/products/delta_product.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

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

double worst(bool tiles, bool& used) {
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
    const DeltaProduct product(weights, tiles);
    used |= product.usesTiles();
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
  bool tiles = false;
  EXPECT_LT(worst(false, tiles), 3e-7);
  EXPECT_FALSE(tiles);
}

TEST(DeltaProduct, ByTilesKeepsSixteenBits) {
  if (!DeltaProduct::tilesWork()) GTEST_SKIP() << "this processor multiplies no tiles of bfloat16";
  bool tiles = false;
  EXPECT_LT(worst(true, tiles), 1.0 / (1 << 16));
  EXPECT_TRUE(tiles);
  DeltaProduct::release();
}

}  // namespace
}  // namespace heft
