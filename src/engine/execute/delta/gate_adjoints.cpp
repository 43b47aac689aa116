#include "engine/execute/delta/gate_adjoints.hpp"

#include <ATen/ATen.h>

namespace heft {
namespace {

/// One step's points, in cellPoints()' order: [samples, hidden] each.
struct Points {
  at::Tensor all;  ///< [samples, pointSize, hidden]
  at::Tensor operator[](int64_t point) const { return all.select(1, point); }
};

/// Of sigmoid(a), from it and sigmoid(-a).
at::Tensor sigmoidSlope(const Points& points, int64_t first) { return points[first] * points[first + 1]; }
/// Of tanh(a), from sigmoid(2 a) and sigmoid(-2 a).
at::Tensor tanhSlope(const Points& points, int64_t first) { return sigmoidSlope(points, first) * 4; }

/// `carry` [elements, samples, hidden] is the adjoint of the carry after the step, and before it at the end; undefined: zero.
at::Tensor lstmStep(const Points& p, const at::Tensor& emission, at::Tensor& carry) {
  const auto through = emission * p[7] * tanhSlope(p, 10);
  const auto next = carry.defined() ? carry + through : through;
  carry = next * p[2];
  return at::cat({next * p[6] * sigmoidSlope(p, 0), next * p[9] * sigmoidSlope(p, 2), next * p[0] * tanhSlope(p, 4),
                  emission * p[12] * sigmoidSlope(p, 7)},
                 -1);
}

/// `carry` is the adjoint of h, beside what the gates read of it.
at::Tensor gruStep(const Points& p, const at::Tensor& emission, at::Tensor& carry) {
  const auto next = carry.defined() ? carry + emission : emission;
  carry = next * p[2];
  const auto fresh = next * p[3] * tanhSlope(p, 4);
  return at::cat({fresh * p[7] * sigmoidSlope(p, 0), next * (p[8] - p[6]) * sigmoidSlope(p, 2), fresh * p[0], fresh},
                 -1);
}

at::Tensor rnnStep(CellKind kind, const Points& p, const at::Tensor& emission) {
  return emission * (kind == CellKind::rnn_tanh ? tanhSlope(p, 0) : p[0].gt(0).to(emission.scalar_type()));
}

}  // namespace

void walkGateAdjoints(const CellBaseline& baseline, const EmissionAdjoints& after, const TakeGateAdjoints& take) {
  auto carry = after.carry.defined() ? after.carry.to(baseline.points.device()) : after.carry;
  for (auto step = baseline.steps - 1; step >= 0; --step) {
    const Points points{baseline.points[step]};
    const auto emission = after.emission.select(1, step).to(baseline.points.device());
    const auto carried = carry;
    auto gates = baseline.kind == CellKind::lstm  ? lstmStep(points, emission, carry)
                 : baseline.kind == CellKind::gru ? gruStep(points, emission, carry)
                                                  : rnnStep(baseline.kind, points, emission);
    if (baseline.active.defined()) {
      const auto active = baseline.active[step].unsqueeze(1).ne(0);
      gates = gates.masked_fill(~active, 0);
      if (carry.defined()) carry = at::where(active, carry, carried.defined() ? carried : at::zeros_like(carry));
    }
    take(step, gates);
  }
}

}  // namespace heft
