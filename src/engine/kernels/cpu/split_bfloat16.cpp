#include "engine/kernels/cpu/split_bfloat16.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/split_bfloat16.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Integers = hn::RebindToSigned<Floats>;
using Words = hn::Rebind<std::uint16_t, Floats>;

/// The bits of the nearest bfloat16 number, in the upper half; of two equally near ones the even one.
HWY_INLINE hn::Vec<Integers> rounded(hn::Vec<Floats> value) {
  const Integers d;
  const auto bits = hn::BitCast(d, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  return hn::And(hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7FFF))), hn::Set(d, static_cast<std::int32_t>(0xFFFF0000)));
}

HWY_INLINE void store(hn::Vec<Integers> bits, std::uint16_t* to) {
  const hn::RebindToUnsigned<Floats> d;
  const auto upper = hn::ShiftRight<16>(hn::BitCast(d, bits));
  hn::StoreU(hn::DemoteTo(Words(), hn::BitCast(Integers(), upper)), Words(), to);
}

HWY_INLINE void splitOne(hn::Vec<Floats> value, std::uint16_t* high, std::uint16_t* low) {
  const auto first = rounded(value);
  store(first, high);
  store(rounded(hn::Sub(value, hn::BitCast(Floats(), first))), low);
}

}  // namespace

void runSplitBfloat16(const float* values, std::int64_t count, std::uint16_t* high, std::uint16_t* low) {
  const Floats d;
  const auto width = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + width <= count; i += width) splitOne(hn::LoadU(d, values + i), high + i, low + i);
  if (i == count) return;
  HWY_ALIGN float some[hn::MaxLanes(d)] = {};
  HWY_ALIGN std::uint16_t some_high[hn::MaxLanes(d)], some_low[hn::MaxLanes(d)];
  for (std::int64_t k = i; k < count; ++k) some[k - i] = values[k];
  splitOne(hn::Load(d, some), some_high, some_low);
  for (std::int64_t k = i; k < count; ++k) {
    high[k] = some_high[k - i];
    low[k] = some_low[k - i];
  }
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runSplitBfloat16);

void splitBfloat16(const float* values, std::int64_t count, std::uint16_t* high, std::uint16_t* low) {
  HWY_DYNAMIC_DISPATCH(runSplitBfloat16)(values, count, high, low);
}

}  // namespace heft::kernels
#endif
