#include "engine/kernels/cpu/unit_response.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/cpu/unit_response.cpp"
#include <hwy/foreach_target.h>  // includes this file again for each set of instructions

#include <algorithm>

#include "engine/kernels/cpu/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace heft::kernels::HWY_NAMESPACE {
namespace {

/// One step of one sequence: pointers to what the columns need.
struct StepView {
  const float* point;
  const float* own;     ///< null: only the selected gate moves
  const float* select;  ///< [gates]: 1 at the gate that the row feeds
  const float* read;
  const float* feedback;
  const float* change;
  const float* gate_changes;  ///< null, or [gates, gate_stride]
  int64_t gate_stride;
  int64_t columns;
  float hidden_side;
  float* carry;         ///< [columns]
  const float* before;  ///< [columns]: what was emitted a step before
  float* emission;      ///< [columns]
};

/// What the weight of the one changed gate adds, in the columns from j on.
template <class Access>
HWY_INLINE Lanes oneGate(const StepView& view, int64_t j, Access access, Lanes before) {
  return access.load(view.change + j) * (access.load(view.read + j) + access.load(view.feedback + j) * before);
}

/// What gate g adds where every gate reads a change of its own.
template <class Access>
HWY_INLINE Lanes eachGate(const StepView& view, int64_t g, int64_t j, Access access) {
  return access.load(view.gate_changes + g * view.gate_stride + j) * access.load(view.read + j);
}

template <bool each>
void lstmStep(const StepView& view) {
  const auto at = [&](int64_t k) HWY_ATTR { return Lanes(view.point[k]); };
  const LstmPoint<Lanes> baseline{at(0), at(1), at(2), at(3),  at(4),  at(5), at(6),
                                  at(7), at(8), at(9), at(10), at(11), at(12)};
  const auto own = [&](int64_t g) HWY_ATTR { return Lanes(view.own[g]); };
  const Lanes own0 = own(0), own1 = own(1), own2 = own(2), own3 = own(3);
  const Lanes select0(view.select[0]), select1(view.select[1]), select2(view.select[2]), select3(view.select[3]);
  overLanes(view.columns, [&](int64_t j, auto access) HWY_ATTR {
    const auto e = access.load(view.before + j);
    auto c = access.load(view.carry + j);
    Lanes emitted;
    if constexpr (each) {
      emitted = lstmChange(baseline, own0 * e + eachGate(view, 0, j, access), own1 * e + eachGate(view, 1, j, access),
                           own2 * e + eachGate(view, 2, j, access), own3 * e + eachGate(view, 3, j, access), c);
    } else {
      const auto x = oneGate(view, j, access, e);
      emitted = lstmChange(baseline, own0 * e + select0 * x, own1 * e + select1 * x, own2 * e + select2 * x,
                           own3 * e + select3 * x, c);
    }
    access.store(emitted, view.emission + j);
    access.store(c, view.carry + j);
  });
}

/// The same where only gate `gate` of the four moves.
template <int gate>
void lstmStepOfOne(const StepView& view) {
  const auto at = [&](int64_t k) HWY_ATTR { return Lanes(view.point[k]); };
  constexpr int64_t moved_gate = gate < 3 ? 2 * gate : 7;  // where its p stands in LstmPoint, n behind it
  const Lanes p = at(moved_gate), n = at(moved_gate + 1);
  const Lanes input = at(0), forget = at(2), cell = at(6), output = at(7);
  const Lanes carry_before = at(9), carry_p = at(10), carry_n = at(11), carry_tanh = at(12);
  overLanes(view.columns, [&](int64_t j, auto access) HWY_ATTR {
    const auto moved = oneGate(view, j, access, access.load(view.before + j));
    const auto change = gate == 2 ? tanhChange(p, n, moved) : sigmoidChange(p, n, moved);
    const auto c = access.load(view.carry + j);
    auto next = forget * c;
    if constexpr (gate == 0) next = next + change * cell;
    if constexpr (gate == 1) next = next + change * (carry_before + c);
    if constexpr (gate == 2) next = next + input * change;
    const auto dt = tanhChange(carry_p, carry_n, next);
    auto emitted = output * dt;
    if constexpr (gate == 3) emitted = emitted + change * (carry_tanh + dt);
    access.store(emitted, view.emission + j);
    access.store(next, view.carry + j);
  });
}

void lstmStepOfOne(const StepView& view) {
  if (view.select[0] != 0) return lstmStepOfOne<0>(view);
  if (view.select[1] != 0) return lstmStepOfOne<1>(view);
  if (view.select[2] != 0) return lstmStepOfOne<2>(view);
  return lstmStepOfOne<3>(view);
}

template <bool each>
void gruStep(const StepView& view) {
  const auto at = [&](int64_t k) HWY_ATTR { return Lanes(view.point[k]); };
  const GruPoint<Lanes> baseline{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8)};
  const Lanes own0(view.own[0]), own1(view.own[1]), own2(view.own[2]);
  const Lanes select0(view.select[0]), select1(view.select[1]);
  const Lanes to_hidden(view.hidden_side * view.select[2]), to_input((1.0f - view.hidden_side) * view.select[2]);
  overLanes(view.columns, [&](int64_t j, auto access) HWY_ATTR {
    const auto e = access.load(view.before + j);
    auto c = access.load(view.carry + j);
    Lanes emitted;
    if constexpr (each) {  // on the input's side
      emitted = gruChange(baseline, own0 * e + eachGate(view, 0, j, access), own1 * e + eachGate(view, 1, j, access),
                          eachGate(view, 2, j, access), own2 * e, c);
    } else {
      const auto x = oneGate(view, j, access, e);
      emitted = gruChange(baseline, own0 * e + select0 * x, own1 * e + select1 * x, to_input * x,
                          own2 * e + to_hidden * x, c);
    }
    access.store(emitted, view.emission + j);
    access.store(c, view.carry + j);
  });
}

void tanhStep(const StepView& view) {
  const Lanes p(view.point[0]), n(view.point[1]), own(view.own[0]);
  overLanes(view.columns, [&](int64_t j, auto access) HWY_ATTR {
    const auto e = access.load(view.before + j);
    access.store(tanhChange(p, n, own * e + oneGate(view, j, access, e)), view.emission + j);
  });
}

void reluStep(const StepView& view) {
  const Lanes a(view.point[0]), own(view.own[0]);
  overLanes(view.columns, [&](int64_t j, auto access) HWY_ATTR {
    const auto e = access.load(view.before + j);
    access.store(reluChange(a, own * e + oneGate(view, j, access, e)), view.emission + j);
  });
}

void step(CellKind kind, const StepView& view) {
  const bool each = view.gate_changes != nullptr;
  switch (kind) {
    case CellKind::lstm:
      if (view.own == nullptr) return lstmStepOfOne(view);
      return (each ? lstmStep<true> : lstmStep<false>)(view);
    case CellKind::gru:
      return (each ? gruStep<true> : gruStep<false>)(view);
    case CellKind::rnn_tanh:
      return tanhStep(view);
    case CellKind::rnn_relu:
      return reluStep(view);
  }
}

/// Columns that are worked on together: their state stays in the first-level cache.
constexpr int64_t kBlock = 512;

}  // namespace

void runUnitResponse(const UnitResponseTask& task, float* emission, float* scratch) {
  const float select[4] = {task.gate == 0 ? 1.0f : 0.0f, task.gate == 1 ? 1.0f : 0.0f, task.gate == 2 ? 1.0f : 0.0f,
                           task.gate == 3 ? 1.0f : 0.0f};
  // An LSTM's inside is much shorter without its own weights; the others' hardly.
  constexpr float kNone[4] = {0, 0, 0, 0};
  const float* own =
      task.own == nullptr && (task.kind != CellKind::lstm || task.gate_changes != nullptr) ? kNone : task.own;
  float ones[kBlock], zeros[kBlock];
  std::fill(ones, ones + kBlock, 1.0f);
  std::fill(zeros, zeros + kBlock, 0.0f);
  const auto size = pointSize(task.kind);
  const auto outputs = task.steps + task.carry_count;
  // A plain RNN has one gate: a change of what it reads is a change of that gate's weight.
  const float* change = task.gate_changes != nullptr ? task.gate_changes : task.change;
  for (int64_t first = 0; first < task.columns; first += kBlock) {
    const auto columns = std::min(kBlock, task.columns - first);
    for (int64_t row = 0; row < task.rows; ++row) {
      const auto* present = task.present != nullptr ? task.present + row * task.steps : nullptr;
      float* carry = scratch;
      std::fill(carry, carry + columns, 0.0f);
      const float* before = zeros;
      bool begun = present == nullptr;
      int64_t wanted = 0;
      for (int64_t t = 0; t < task.steps; ++t) {
        const auto at = row * task.steps + t;
        float* out = emission + (row * outputs + t) * task.columns + first;
        begun = begun || present[t] != 0;
        if (!begun || (task.active != nullptr && task.active[at] == 0)) {
          std::fill(out, out + columns, 0.0f);
        } else {
          const float* read = task.read != nullptr ? task.read + at * task.read_width + first : ones;
          if (present != nullptr && present[t] == 0) read = zeros;
          const StepView view{task.points + at * size,
                              own,
                              select,
                              read,
                              task.feedback != nullptr ? task.feedback + first : zeros,
                              change + first,
                              task.gate_changes != nullptr ? task.gate_changes + first : nullptr,
                              task.columns,
                              columns,
                              task.hidden_side ? 1.0f : 0.0f,
                              carry,
                              before,
                              out};
          step(task.kind, view);
          before = out;
        }
        if (wanted < task.carry_count && task.carry_steps[wanted] == t) {
          std::copy(carry, carry + columns, emission + (row * outputs + task.steps + wanted) * task.columns + first);
          ++wanted;
        }
      }
    }
  }
}

}  // namespace heft::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace heft::kernels {

HWY_EXPORT(runUnitResponse);

void unitResponse(const UnitResponseTask& task, float* emission, float* scratch) {
  HWY_DYNAMIC_DISPATCH(runUnitResponse)(task, emission, scratch);
}

}  // namespace heft::kernels
#endif
