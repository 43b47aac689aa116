#include "engine/kernels/cpu/adjoint_step.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/adjoint_step.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions

#include "engine/kernels/cpu/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

void lstmAdjoint(const AdjointStep& step) {
  const auto hidden = step.hidden;
  overLanes(hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto plane = [&](std::int64_t k) HWY_ATTR { return access.load(step.planes + k * hidden + u); };
    const auto own = [&](std::int64_t k) HWY_ATTR { return access.load(step.own + k * hidden + u); };
    float* gates = step.gates + u;
    const auto emitted = access.load(step.emitted + u);
    const auto through = own(0) * access.load(gates) + own(1) * access.load(gates + hidden) +
                         own(2) * access.load(gates + 2 * hidden) + own(3) * access.load(gates + 3 * hidden);
    access.store(emitted - through, step.seen + u);
    const auto carry = access.load(step.carry + u) + emitted * plane(0);
    access.store(withoutDenormals(carry * plane(1)), gates);
    access.store(withoutDenormals(carry * plane(2)), gates + hidden);
    access.store(withoutDenormals(carry * plane(3)), gates + 2 * hidden);
    access.store(withoutDenormals(emitted * plane(4)), gates + 3 * hidden);
    access.store(withoutDenormals(carry * plane(5)), step.carry + u);
  });
}

void gruAdjoint(const AdjointStep& step) {
  const auto hidden = step.hidden;
  overLanes(hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto plane = [&](std::int64_t k) HWY_ATTR { return access.load(step.planes + k * hidden + u); };
    const auto own = [&](std::int64_t k) HWY_ATTR { return access.load(step.own + k * hidden + u); };
    float* gates = step.gates + u;
    const auto emitted = access.load(step.emitted + u);
    const auto through =
        own(0) * access.load(gates) + own(1) * access.load(gates + hidden) + own(2) * access.load(gates + 2 * hidden);
    access.store(emitted - through, step.seen + u);
    const auto next = access.load(step.carry + u) + emitted;
    const auto fresh = next * plane(1);
    access.store(withoutDenormals(fresh * plane(2)), gates);
    access.store(withoutDenormals(next * plane(0)), gates + hidden);
    access.store(withoutDenormals(fresh * plane(3)), gates + 2 * hidden);
    access.store(withoutDenormals(fresh), gates + 3 * hidden);
    access.store(withoutDenormals(next * plane(4)), step.carry + u);
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
      return lstmAdjoint(step);
    case CellKind::gru:
      return gruAdjoint(step);
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
