#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// Changes of gate functions, without subtracting two values that lie close together. With p = sigm(a), n = sigm(-a):
//
//   sigm(a + d) - sigm(a) =  p n (1 - e^-d) / (p + n e^-d)   for d >= 0
//                         = -p n (1 - e^d)  / (n + p e^d)    for d <  0
//   tanh(a + d) - tanh(a) = 2 (sigm(2a + 2d) - sigm(2a))
//
// (from sigm(x) = 1 / (1 + e^-x), by putting both terms over one denominator). Every factor is positive, so nothing
// cancels: tiny changes keep their relative accuracy, and so do large ones out of a saturated gate.
#if defined(__CUDACC__)
#define HEFT_DEVICE __host__ __device__ inline
#else
#define HEFT_DEVICE inline __attribute__((always_inline))
#endif

namespace heft::kernels {

template <class Real>
struct Decay {
  Real left;  ///< e^-x
  Real gone;  ///< 1 - e^-x
};

/// For x >= 0. Range reduction e^-x = 2^-k e^-r with |r| <= ln 2 / 2, and a Taylor polynomial of e^-r - 1 whose first
/// dropped term is below 1e-8 relative. x above 80 counts as 80, where e^-x is nothing beside float's 1.
HEFT_DEVICE Decay<float> decay(float x) {
  const float bounded = x < 80.0f ? x : 80.0f;
  const float k = static_cast<float>(static_cast<std::int32_t>(bounded * 1.44269504f + 0.5f));
  const float r = (bounded - k * 0.693359375f) + k * 2.12194440e-4f;  // ln 2 in two parts, Cody and Waite
  float q = 1.0f / 40320.0f;
  q = 1.0f / 5040.0f - r * q;
  q = 1.0f / 720.0f - r * q;
  q = 1.0f / 120.0f - r * q;
  q = 1.0f / 24.0f - r * q;
  q = 1.0f / 6.0f - r * q;
  q = 0.5f - r * q;
  q = 1.0f - r * q;
  q = r * q;  // 1 - e^-r
  const float power = std::bit_cast<float>((127 - static_cast<std::int32_t>(k)) << 23);
  return {power - power * q, (1.0f - power) + power * q};
}

HEFT_DEVICE Decay<double> decay(double x) { return {std::exp(-x), -std::expm1(-x)}; }

/// sigm(a + d) - sigm(a), from p = sigm(a) and n = sigm(-a).
template <class Real>
HEFT_DEVICE Real sigmoidChange(Real p, Real n, Real d) {
  const bool up = d >= Real(0);
  const auto [left, gone] = decay(up ? d : -d);
  const Real near = up ? p : n;
  const Real far = up ? n : p;
  const Real change = p * n * gone / (near + far * left);
  return up ? change : -change;
}

/// tanh(a + d) - tanh(a), from p = sigm(2a) and n = sigm(-2a).
template <class Real>
HEFT_DEVICE Real tanhChange(Real p, Real n, Real d) {
  return Real(2) * sigmoidChange(p, n, Real(2) * d);
}

/// relu(a + d) - relu(a), by cases.
template <class Real>
HEFT_DEVICE Real reluChange(Real a, Real d) {
  const Real moved = a + d;
  const Real both = moved > Real(0) ? d : -a;
  const Real born = moved > Real(0) ? moved : Real(0);
  return a > Real(0) ? both : born;
}

/// What the baseline fixes of one unit at one step of an LSTM.
template <class Real>
struct LstmPoint {
  Real input_p, input_n, forget_p, forget_n, cell_p, cell_n, cell, output_p, output_n;
  Real carry_before, carry_p, carry_n, carry_tanh;
};

/// One step of an LSTM unit's change: c' = f c + i g, e = o tanh c (PyTorch's equations of nn.LSTM).
/// `input` … `output` are changes of pre-activations; `carry` is read and written; returns the change of the emission.
template <class Real>
HEFT_DEVICE Real lstmChange(const LstmPoint<Real>& at, Real input, Real forget, Real cell, Real output, Real& carry) {
  const Real di = sigmoidChange(at.input_p, at.input_n, input);
  const Real df = sigmoidChange(at.forget_p, at.forget_n, forget);
  const Real dg = tanhChange(at.cell_p, at.cell_n, cell);
  const Real d_o = sigmoidChange(at.output_p, at.output_n, output);
  const Real next = df * (at.carry_before + carry) + at.forget_p * carry + di * (at.cell + dg) + at.input_p * dg;
  const Real dt = tanhChange(at.carry_p, at.carry_n, next);
  carry = next;
  return d_o * (at.carry_tanh + dt) + at.output_p * dt;
}

/// What the baseline fixes of one unit at one step of a GRU.
template <class Real>
struct GruPoint {
  Real reset_p, reset_n, update_p, update_n, fresh_p, fresh_n, fresh, hidden_term, before;
};

/// One step of a GRU unit's change: n = tanh(x + r q), h' = (1 - z) n + z h (PyTorch's equations of nn.GRU); `hidden_term`
/// is the change of q, `input_term` that of x. `carry` (h itself) is read and written; returns the change of h'.
template <class Real>
HEFT_DEVICE Real gruChange(const GruPoint<Real>& at, Real reset, Real update, Real input_term, Real hidden_term,
                           Real& carry) {
  const Real dr = sigmoidChange(at.reset_p, at.reset_n, reset);
  const Real dz = sigmoidChange(at.update_p, at.update_n, update);
  const Real drq = dr * (at.hidden_term + hidden_term) + at.reset_p * hidden_term;
  const Real dn = tanhChange(at.fresh_p, at.fresh_n, input_term + drq);
  const Real next = at.update_n * dn - dz * (at.fresh + dn) + at.update_p * carry + dz * (at.before + carry);
  carry = next;
  return next;
}

}  // namespace heft::kernels
