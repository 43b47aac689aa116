#include "engine/kernels/cpu/delta_step.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/delta_step.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions

#include "engine/kernels/cpu/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

// Rows go inside: what the baseline fixes of some units is read once for all of them.

void lstmDeltas(const DeltaStep& step) {
  const auto hidden = step.hidden;
  overLanes(hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto at = [&](std::int64_t k) HWY_ATTR { return access.load(step.points + u + k * hidden); };
    const LstmPoint<Lanes> baseline{at(0), at(1), at(2), at(3),  at(4),  at(5), at(6),
                                    at(7), at(8), at(9), at(10), at(11), at(12)};
    const float* pre = step.pre + u;
    for (std::int64_t unit = u; unit < step.rows * hidden; unit += hidden, pre += 4 * hidden) {
      auto carry = access.load(step.carry + unit);
      const auto emitted = lstmChange(baseline, access.load(pre), access.load(pre + hidden),
                                      access.load(pre + 2 * hidden), access.load(pre + 3 * hidden), carry);
      access.store(withoutDenormals(emitted), step.emitted + unit);
      access.store(withoutDenormals(carry), step.carry + unit);
    }
  });
}

void gruDeltas(const DeltaStep& step) {
  const auto hidden = step.hidden;
  overLanes(hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto at = [&](std::int64_t k) HWY_ATTR { return access.load(step.points + u + k * hidden); };
    const GruPoint<Lanes> baseline{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8)};
    const float* pre = step.pre + u;
    for (std::int64_t unit = u; unit < step.rows * hidden; unit += hidden, pre += 4 * hidden) {
      auto carry = access.load(step.emitted + unit);
      gruChange(baseline, access.load(pre), access.load(pre + hidden), access.load(pre + 3 * hidden),
                access.load(pre + 2 * hidden), carry);
      access.store(withoutDenormals(carry), step.emitted + unit);
    }
  });
}

void tanhDeltas(const DeltaStep& step) {
  overLanes(step.hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto p = access.load(step.points + u), n = access.load(step.points + step.hidden + u);
    for (auto unit = u; unit < step.rows * step.hidden; unit += step.hidden)
      access.store(withoutDenormals(tanhChange(p, n, access.load(step.pre + unit))), step.emitted + unit);
  });
}

void reluDeltas(const DeltaStep& step) {
  overLanes(step.hidden, [&](std::int64_t u, auto access) HWY_ATTR {
    const auto point = access.load(step.points + u);
    for (auto unit = u; unit < step.rows * step.hidden; unit += step.hidden)
      access.store(withoutDenormals(reluChange(point, access.load(step.pre + unit))), step.emitted + unit);
  });
}

}  // namespace

void runDeltaStep(const DeltaStep& step) {
  switch (step.kind) {
    case CellKind::lstm:
      return lstmDeltas(step);
    case CellKind::gru:
      return gruDeltas(step);
    case CellKind::rnn_tanh:
      return tanhDeltas(step);
    case CellKind::rnn_relu:
      return reluDeltas(step);
  }
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runDeltaStep);

void deltaStep(const DeltaStep& step) { HWY_DYNAMIC_DISPATCH(runDeltaStep)(step); }

}  // namespace heft::kernels
#endif
