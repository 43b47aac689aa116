// gate_math for a vector of floats at a time. Highway includes this once for each set of instructions that it compiles for.
#if defined(HEFT_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HEFT_LANES_INL
#undef HEFT_LANES_INL
#else
#define HEFT_LANES_INL
#endif

#include <hwy/highway.h>

#include "engine/cells/gate_math.hpp"

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Integers = hn::RebindToSigned<Floats>;
using Vector = hn::Vec<Floats>;
using Mask = hn::Mask<Floats>;

/// As many floats as the instructions take at once, with the operators of one.
struct Lanes {
  Vector v;

  HWY_INLINE Lanes() : v(hn::Zero(Floats())) {}
  HWY_INLINE Lanes(Vector vector) : v(vector) {}  // NOLINT(google-explicit-constructor): a vector is its lanes
  HWY_INLINE explicit Lanes(float all) : v(hn::Set(Floats(), all)) {}

  friend HWY_INLINE Lanes operator+(Lanes a, Lanes b) { return hn::Add(a.v, b.v); }
  friend HWY_INLINE Lanes operator-(Lanes a, Lanes b) { return hn::Sub(a.v, b.v); }
  friend HWY_INLINE Lanes operator*(Lanes a, Lanes b) { return hn::Mul(a.v, b.v); }
  friend HWY_INLINE Lanes operator-(Lanes a) { return hn::Neg(a.v); }
  friend HWY_INLINE Mask operator>=(Lanes a, Lanes b) { return hn::Ge(a.v, b.v); }
  friend HWY_INLINE Mask operator>(Lanes a, Lanes b) { return hn::Gt(a.v, b.v); }
};

HWY_INLINE Lanes select(Mask condition, Lanes yes, Lanes no) { return hn::IfThenElse(condition, yes.v, no.v); }

/// a / b. On x86 by the approximate reciprocal (12 to 14 bits) and a step of Newton's: 2e-7 relative, several times faster than
/// the division, which no two gates can share.
HWY_INLINE Lanes ratio(Lanes a, Lanes b) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  const auto guess = hn::ApproximateReciprocal(b.v);
  const auto better = hn::Mul(guess, hn::NegMulAdd(b.v, guess, hn::Set(Floats(), 2.0f)));
  return hn::Mul(a.v, better);
#else
  return hn::Div(a.v, b.v);
#endif
}

/// As gate_math.hpp's.
HWY_INLINE Decay<Lanes> decay(Lanes x) {
  using Fit = DecayFit;
  const Floats d;
  const auto set = [&](float value) { return hn::Set(d, value); };
  const auto bounded = hn::Max(hn::Min(x.v, set(Fit::most)), set(-Fit::most));
  // Adding 1.5 x 2^23 rounds to a whole number k, which then stands in the lowest bits.
  const auto magic = set(12582912.0f);
  const auto rounded = hn::MulAdd(bounded, set(Fit::log2_e), magic);
  const auto whole = hn::Sub(rounded, magic);
#if HWY_NATIVE_FMA
  const auto r = hn::NegMulAdd(whole, set(Fit::ln2), bounded);
#else
  const auto r = hn::NegMulAdd(whole, set(Fit::ln2_low), hn::NegMulAdd(whole, set(Fit::ln2_high), bounded));
#endif
  auto q = hn::MulAdd(set(Fit::c5), r, set(Fit::c4));
  q = hn::MulAdd(q, r, set(Fit::c3));
  q = hn::MulAdd(q, r, set(Fit::c2));
  q = hn::MulAdd(q, r, set(Fit::c1));
  q = hn::MulAdd(q, r, set(Fit::c0));
  const auto gone = hn::Mul(r, q);
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(Integers(), rounded));
  const auto power = hn::BitCast(d, hn::Sub(hn::Set(Integers(), 127 << 23), exponent));
  return {hn::NegMulAdd(power, gone, power), hn::MulAdd(power, gone, hn::Sub(set(1.0f), power))};
}

#pragma push_macro("HEFT_DEVICE")
#undef HEFT_DEVICE
#define HEFT_DEVICE HWY_INLINE
#include "engine/cells/gate_math.inc"
#pragma pop_macro("HEFT_DEVICE")

/// Zero in place of what is below 1e-30: nothing beside the other values, and denormal numbers would make matrix products many
/// times slower.
HWY_INLINE Lanes withoutDenormals(Lanes x) {
  return hn::IfThenElseZero(hn::Gt(hn::Abs(x.v), hn::Set(Floats(), 1e-30f)), x.v);
}

/// Floats [0, count) of `from`, zeros behind them.
HWY_INLINE Lanes loadSome(const float* from, size_t count) {
  HWY_ALIGN float some[hn::MaxLanes(Floats())] = {};
  for (size_t i = 0; i < count; ++i) some[i] = from[i];
  return hn::Load(Floats(), some);
}

HWY_INLINE void storeSome(Lanes values, float* to, size_t count) {
  HWY_ALIGN float some[hn::MaxLanes(Floats())];
  hn::Store(values.v, Floats(), some);
  for (size_t i = 0; i < count; ++i) to[i] = some[i];
}

/// Reads and writes whole vectors, or the few floats at the end of an array.
struct Whole {
  HWY_INLINE Lanes load(const float* from) const { return hn::LoadU(Floats(), from); }
  HWY_INLINE void store(Lanes values, float* to) const { hn::StoreU(values.v, Floats(), to); }
};

struct Some {
  size_t count;
  HWY_INLINE Lanes load(const float* from) const { return loadSome(from, count); }
  HWY_INLINE void store(Lanes values, float* to) const { storeSome(values, to, count); }
};

/// each(first, access) for every vector of [0, count).
template <class Each>
HWY_INLINE void overLanes(std::int64_t count, const Each& each) {
  const auto width = static_cast<std::int64_t>(hn::Lanes(Floats()));
  std::int64_t i = 0;
  for (; i + width <= count; i += width) each(i, Whole());
  if (i < count) each(i, Some{static_cast<size_t>(count - i)});
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
