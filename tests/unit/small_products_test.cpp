#include "engine/kernels/products/small_products.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace heft {
namespace {

TEST(SmallProducts, AddsToRowsThatLieApart) {
  auto random = at::detail::createCPUGenerator(5);
  struct Size {
    int64_t rows, depth, columns;
  };
  for (const auto& [rows, depth, columns] :
       {Size{1, 1, 1}, Size{10, 32, 1024}, Size{64, 64, 511}, Size{17, 33, 5}, Size{3, 0, 4}}) {
    const auto a = at::empty({rows, depth + 3}).normal_(0, 1, random);
    const auto b = at::empty({depth, columns + 2}).normal_(0, 1, random);
    auto out = at::empty({rows, columns + 5}).normal_(0, 1, random);
    const auto before = out.clone();
    addProduct({rows, columns, depth, depth + 3, columns + 2, columns + 5, false}, a.const_data_ptr<float>(),
               b.const_data_ptr<float>(), out.data_ptr<float>());
    const auto wide = [](const at::Tensor& some, int64_t count) { return some.narrow(1, 0, count).to(at::kDouble); };
    const auto factor = wide(a, depth), other = wide(b, columns);
    const auto want = wide(before, columns) + factor.mm(other);
    const auto sizes = wide(before, columns).abs() + factor.abs().mm(other.abs());
    EXPECT_LT(((wide(out, columns) - want).abs() / sizes).max().item<double>(), 3e-7)
        << rows << ' ' << depth << ' ' << columns;
    EXPECT_TRUE(out.narrow(1, columns, 5).equal(before.narrow(1, columns, 5))) << "written beside the output";
  }
}

}  // namespace
}  // namespace heft
