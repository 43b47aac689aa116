#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// Changes of gate functions, without subtracting two values that lie close together. With p = sigm(a), n = sigm(-a):
//
//   sigm(a + d) - sigm(a) = p n (1 - e^-d) / (p + n e^-d)
//   tanh(a + d) - tanh(a) = 2 (sigm(2a + 2d) - sigm(2a))
//
// (from sigm(x) = 1 / (1 + e^-x), by putting both terms over one denominator). Both terms of the denominator are positive, so
// nothing cancels: tiny changes keep their relative accuracy, and so do large ones out of a saturated gate.
//
// Here for one number at a time, on the host and in CUDA; lanes-inl.hpp has the same for vectors of floats.
#if defined(__CUDACC__)
#define HEFT_DEVICE __host__ __device__ inline
#else
#define HEFT_DEVICE inline __attribute__((always_inline))
#endif

namespace heft::kernels {

/// 1 - e^-r = r (c0 + c1 r + … + c5 r^5) for |r| <= ln 2 / 2, by a minimax fit whose relative error is 1.1e-8.
struct DecayFit {
  static constexpr float c0 = 1.0f, c1 = -0.49999997f, c2 = 0.16666506f, c3 = -0.041667137f, c4 = 0.008369076f,
                         c5 = -0.0013888873f;
  static constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // Cody and Waite
  static constexpr float ln2 = 0.69314718f;  ///< off by 1.9e-9, which fused multiplications keep as small
  static constexpr float most = 80.0f;       ///< beyond it e^-x is nothing beside float's 1
};

template <class Real>
struct Decay {
  Real left;  ///< e^-x
  Real gone;  ///< 1 - e^-x
};

/// Range reduction e^-x = 2^-k e^-r, and DecayFit; beyond ±DecayFit::most as there.
HEFT_DEVICE Decay<float> decay(float x) {
  using Fit = DecayFit;
  const float below = x < Fit::most ? x : Fit::most;
  const float bounded = below > -Fit::most ? below : -Fit::most;
  // The nearest whole number is what float's last bits hold once 1.5 x 2^23 is added: no conversion, which a device does at a
  // quarter of the speed of an addition.
  constexpr float kWhole = 12582912.0f;
  const float shifted = bounded * Fit::log2_e + kWhole;
  const float whole = shifted - kWhole;
  const auto k = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kWhole);
  const float r = (bounded - whole * Fit::ln2_high) - whole * Fit::ln2_low;
  const float q = ((((Fit::c5 * r + Fit::c4) * r + Fit::c3) * r + Fit::c2) * r + Fit::c1) * r + Fit::c0;
  const float gone = r * q;  // 1 - e^-r
  const float power = std::bit_cast<float>((127 - k) << 23);
  return {power - power * gone, (1.0f - power) + power * gone};
}

/// Beyond ±700 as there.
HEFT_DEVICE Decay<double> decay(double x) {
  constexpr double kMost = 700;
  const double bounded = x < -kMost ? -kMost : x > kMost ? kMost : x;
  return {std::exp(-bounded), -std::expm1(-bounded)};
}

template <class Real>
HEFT_DEVICE Real select(bool condition, Real yes, Real no) {
  return condition ? yes : no;
}

HEFT_DEVICE double ratio(double a, double b) { return a / b; }

/// On a device within 2 units in the last place, for |b| up to 2^126: several times faster than the exact division.
HEFT_DEVICE float ratio(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdividef(a, b);
#else
  return a / b;
#endif
}

#include "engine/cells/gate_math.inc"

}  // namespace heft::kernels
