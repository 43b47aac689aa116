#include "engine/kernels/cpu/few_row_product.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/few_row_product.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions
#include <hwy/highway.h>

#ifndef HEFT_UNROLL
/// Sums stay in registers only where the loops over them are gone.
#define HEFT_UNROLL _Pragma("GCC unroll 8")
#endif

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;

/// Rows of x that share a pass over rows of w: so many sums in registers hide the latency of a multiply-add, and each load of x
/// serves several outputs. AVX-512 has twice the registers.
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kOutputs = HWY_MAX_BYTES >= 64 ? 4 : 2;

/// `Rows` rows of x from x0 on by `Outputs` rows of w from w0 on, into y at y0.
template <std::int64_t Rows, std::int64_t Outputs>
HWY_INLINE void block(const FewRowProduct& product, const double* HWY_RESTRICT x0, const double* HWY_RESTRICT w0,
                      double* HWY_RESTRICT y0) {
  const Doubles d;
  const auto width = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<Doubles> sums[Rows][Outputs];
  HEFT_UNROLL
  for (std::int64_t r = 0; r < Rows; ++r) {
    HEFT_UNROLL
    for (std::int64_t o = 0; o < Outputs; ++o) sums[r][o] = hn::Zero(d);
  }
  std::int64_t i = 0;
  for (; i + width <= product.inputs; i += width) {
    hn::Vec<Doubles> w[Outputs];
    HEFT_UNROLL
    for (std::int64_t o = 0; o < Outputs; ++o) w[o] = hn::LoadU(d, w0 + o * product.inputs + i);
    HEFT_UNROLL
    for (std::int64_t r = 0; r < Rows; ++r) {
      const auto x = hn::LoadU(d, x0 + r * product.inputs + i);
      HEFT_UNROLL
      for (std::int64_t o = 0; o < Outputs; ++o) sums[r][o] = hn::MulAdd(w[o], x, sums[r][o]);
    }
  }
  HEFT_UNROLL
  for (std::int64_t r = 0; r < Rows; ++r) {
    HEFT_UNROLL
    for (std::int64_t o = 0; o < Outputs; ++o) {
      double sum = hn::GetLane(hn::SumOfLanes(d, sums[r][o]));
      for (std::int64_t rest = i; rest < product.inputs; ++rest)
        sum += w0[o * product.inputs + rest] * x0[r * product.inputs + rest];
      y0[r * product.outputs + o] = sum;
    }
  }
}

/// All rows of x by `Outputs` rows of w from output `o` on.
template <std::int64_t Outputs>
HWY_INLINE void columns(const FewRowProduct& product, std::int64_t o) {
  const double* w = product.w + o * product.inputs;
  std::int64_t r = 0;
  const auto x = [&] { return product.x + r * product.inputs; };
  const auto y = [&] { return product.y + r * product.outputs + o; };
  for (; r + kRows <= product.rows; r += kRows) block<kRows, Outputs>(product, x(), w, y());
  for (; r < product.rows; ++r) block<1, Outputs>(product, x(), w, y());
  if (product.bias == nullptr) return;
  for (r = 0; r < product.rows; ++r) {
    for (std::int64_t i = 0; i < Outputs; ++i) y()[i] += product.bias[o + i];
  }
}

}  // namespace

void runFewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end) {
  std::int64_t o = begin;
  for (; o + kOutputs <= end; o += kOutputs) columns<kOutputs>(product, o);
  for (; o < end; ++o) columns<1>(product, o);
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runFewRowProduct);

void fewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(runFewRowProduct)(product, begin, end);
}

}  // namespace heft::kernels
#endif
