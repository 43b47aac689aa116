#include "engine/kernels/cpu/adjoint_step.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/adjoint_step.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions

#include "engine/kernels/cpu/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

/// Values of unit u, a plane after the other.
template <size_t count, class Access>
HWY_INLINE void loadPlanes(const float* planes, int64_t hidden, int64_t u, Access access, Lanes (&to)[count]) {
  for (size_t k = 0; k < count; ++k) to[k] = access.load(planes + static_cast<int64_t>(k) * hidden + u);
}

/// A cell with a carry; `columns` of its pre-activations hear its own emission.
template <size_t planes, size_t columns, class Adjoint>
HWY_INLINE void carriedAdjoint(const AdjointStep& step, const Adjoint& adjoint) {
  const auto hidden = step.hidden;
  overLanes(hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    Lanes plane[planes], own[columns], next[columns];
    loadPlanes(step.planes, hidden, u, access, plane);
    loadPlanes(step.own, hidden, u, access, own);
    loadPlanes(step.gates, hidden, u, access, next);
    const auto emitted = access.load(step.emitted + u);
    auto through = own[0] * next[0];
    for (size_t k = 1; k < columns; ++k) through = through + own[k] * next[k];
    access.store(emitted - through, step.seen + u);
    auto carry = access.load(step.carry + u);
    const auto gates = adjoint(plane, emitted, carry);
    for (int64_t k = 0; k < 4; ++k) access.store(withoutDenormals(gates.gate[k]), step.gates + k * hidden + u);
    access.store(withoutDenormals(carry), step.carry + u);
  });
}

void rnnAdjoint(const AdjointStep& step) {
  overLanes(step.hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto emitted = access.load(step.emitted + u);
    access.store(emitted - access.load(step.own + u) * access.load(step.gates + u), step.seen + u);
    access.store(withoutDenormals(emitted * access.load(step.planes + u)), step.gates + u);
  });
}

}  // namespace

void runAdjointStep(const AdjointStep& step) {
  switch (step.kind) {
    case CellKind::lstm:
      return carriedAdjoint<6, 4>(step, [](const Lanes(&plane)[6], Lanes emitted, Lanes& carry)
                                            HWY_ATTR { return lstmAdjoint(plane, emitted, carry); });
    case CellKind::gru:
      return carriedAdjoint<5, 3>(step, [](const Lanes(&plane)[5], Lanes emitted, Lanes& carry)
                                            HWY_ATTR { return gruAdjoint(plane, emitted, carry); });
    case CellKind::rnn_tanh:
    case CellKind::rnn_relu:
      return rnnAdjoint(step);
  }
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runAdjointStep);

void adjointStep(const AdjointStep& step) { HWY_DYNAMIC_DISPATCH(runAdjointStep)(step); }

}  // namespace heft::kernels
#endif
