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
using Floats = hn::Rebind<float, Doubles>;

/// Rows of x that share a pass over rows of w: so many sums in registers hide the latency of a multiply-add, and each load of x
/// serves several outputs. AVX-512 has twice the registers.
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kOutputs = HWY_MAX_BYTES >= 64 ? 4 : 2;

HWY_INLINE hn::Vec<Doubles> load(const double* from) { return hn::LoadU(Doubles(), from); }
HWY_INLINE hn::Vec<Doubles> load(const float* from) { return hn::PromoteTo(Doubles(), hn::LoadU(Floats(), from)); }

/// `Rows` rows of x from x0 on by `Outputs` rows of w from w0 on, into y at y0.
template <std::int64_t Rows, std::int64_t Outputs, class Weight>
HWY_INLINE void block(const FewRowProduct& product, const double* HWY_RESTRICT x0, const Weight* HWY_RESTRICT w0,
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
    for (std::int64_t o = 0; o < Outputs; ++o) w[o] = load(w0 + o * product.inputs + i);
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
        sum += static_cast<double>(w0[o * product.inputs + rest]) * x0[r * product.inputs + rest];
      y0[r * product.outputs + o] = sum;
    }
  }
}

/// All rows of x by `Outputs` rows of the matrix w from output `o` on.
template <std::int64_t Outputs, class Weight>
HWY_INLINE void columns(const FewRowProduct& product, const Weight* w, std::int64_t o) {
  w += o * product.inputs;
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

template <class Weight>
void allColumns(const FewRowProduct& product, const Weight* w, std::int64_t begin, std::int64_t end) {
  std::int64_t o = begin;
  for (; o + kOutputs <= end; o += kOutputs) columns<kOutputs>(product, w, o);
  for (; o < end; ++o) columns<1>(product, w, o);
}

/// Writes values as floats; true when they are the same.
bool keepFloats(const double* from, float* to, std::int64_t count) {
  const auto width = static_cast<std::int64_t>(hn::Lanes(Doubles()));
  auto same = hn::FirstN(Doubles(), static_cast<std::size_t>(width));
  std::int64_t i = 0;
  for (; i + width <= count; i += width) {
    const auto wide = load(from + i);
    const auto narrow = hn::DemoteTo(Floats(), wide);
    same = hn::And(same, hn::Eq(hn::PromoteTo(Doubles(), narrow), wide));
    hn::StoreU(narrow, Floats(), to + i);
  }
  bool all = hn::AllTrue(Doubles(), same);
  for (; i < count; ++i) {
    to[i] = static_cast<float>(from[i]);
    all = all && static_cast<double>(to[i]) == from[i];
  }
  return all;
}

}  // namespace

bool runFewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end) {
  if (product.narrow != nullptr) {
    allColumns(product, product.narrow, begin, end);
    return true;
  }
  if (product.keep == nullptr) {
    allColumns(product, product.w, begin, end);
    return true;
  }
  bool same = true;
  for (std::int64_t o = begin; o < end; o += kOutputs) {
    const auto last = std::min(end, o + kOutputs);
    allColumns(product, product.w, o, last);
    const auto first = o * product.inputs;  // still in the nearest cache
    if (!keepFloats(product.w + first, product.keep + first, (last - o) * product.inputs)) same = false;
  }
  return same;
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runFewRowProduct);

bool fewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end) {
  return HWY_DYNAMIC_DISPATCH(runFewRowProduct)(product, begin, end);
}

}  // namespace heft::kernels
#endif
