#include "engine/kernels/cpu/unit_response.hpp"

#include <algorithm>

#include "engine/kernels/gate_math.hpp"

// The same loops are compiled for three generations of x86 and chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define HEFT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HEFT_CLONES
#endif

namespace heft::kernels {
namespace {

/// One step of one sequence: pointers to what the columns need.
struct StepView {
  const float* point;
  const float* own;
  const float* select;  ///< [gates]: 1 at the gate that the row feeds
  const float* read;
  const float* feedback;
  const float* change;
  const float* gate_changes;  ///< null, or [gates, gate_stride]
  int64_t gate_stride;
  int64_t columns;
  float hidden_side;
};

HEFT_CLONES void lstmStep(const StepView& view, float* __restrict carry, const float* __restrict before,
                          float* __restrict emission) {
  LstmPoint<float> at{};
  const float* v = view.point;
  at = {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12]};
  const float own[4] = {view.own[0], view.own[1], view.own[2], view.own[3]};
  const float select[4] = {view.select[0], view.select[1], view.select[2], view.select[3]};
  const float* __restrict read = view.read;
  const float* __restrict feedback = view.feedback;
  const float* __restrict change = view.change;
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float e = before[j];
    const float x = change[j] * (read[j] + feedback[j] * e);
    float c = carry[j];
    emission[j] = lstmChange(at, own[0] * e + select[0] * x, own[1] * e + select[1] * x, own[2] * e + select[2] * x,
                             own[3] * e + select[3] * x, c);
    carry[j] = c;
  }
}

/// lstmStep where every gate reads a change of its own.
HEFT_CLONES void lstmInputStep(const StepView& view, float* __restrict carry, const float* __restrict before,
                               float* __restrict emission) {
  const float* v = view.point;
  const LstmPoint<float> at{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12]};
  const float own[4] = {view.own[0], view.own[1], view.own[2], view.own[3]};
  const float* __restrict read = view.read;
  const float* __restrict input = view.gate_changes;
  const float* __restrict forget = input + view.gate_stride;
  const float* __restrict cell = forget + view.gate_stride;
  const float* __restrict output = cell + view.gate_stride;
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float e = before[j];
    float c = carry[j];
    emission[j] = lstmChange(at, own[0] * e + input[j] * read[j], own[1] * e + forget[j] * read[j],
                             own[2] * e + cell[j] * read[j], own[3] * e + output[j] * read[j], c);
    carry[j] = c;
  }
}

HEFT_CLONES void gruStep(const StepView& view, float* __restrict carry, const float* __restrict before,
                         float* __restrict emission) {
  const float* v = view.point;
  const GruPoint<float> at{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
  const float own[3] = {view.own[0], view.own[1], view.own[2]};
  const float select[3] = {view.select[0], view.select[1], view.select[2]};
  const float to_hidden = view.hidden_side * select[2];
  const float to_input = (1.0f - view.hidden_side) * select[2];
  const float* __restrict read = view.read;
  const float* __restrict feedback = view.feedback;
  const float* __restrict change = view.change;
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float e = before[j];
    const float x = change[j] * (read[j] + feedback[j] * e);
    float c = carry[j];
    emission[j] = gruChange(at, own[0] * e + select[0] * x, own[1] * e + select[1] * x, to_input * x,
                            own[2] * e + to_hidden * x, c);
    carry[j] = c;
  }
}

/// gruStep where every gate reads a change of its own, on the input's side.
HEFT_CLONES void gruInputStep(const StepView& view, float* __restrict carry, const float* __restrict before,
                              float* __restrict emission) {
  const float* v = view.point;
  const GruPoint<float> at{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
  const float own[3] = {view.own[0], view.own[1], view.own[2]};
  const float* __restrict read = view.read;
  const float* __restrict reset = view.gate_changes;
  const float* __restrict update = reset + view.gate_stride;
  const float* __restrict fresh = update + view.gate_stride;
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float e = before[j];
    float c = carry[j];
    emission[j] = gruChange(at, own[0] * e + reset[j] * read[j], own[1] * e + update[j] * read[j], fresh[j] * read[j],
                            own[2] * e, c);
    carry[j] = c;
  }
}

HEFT_CLONES void tanhStep(const StepView& view, const float* __restrict before, float* __restrict emission) {
  const float p = view.point[0];
  const float n = view.point[1];
  const float own = view.own[0];
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float x = view.change[j] * (view.read[j] + view.feedback[j] * before[j]);
    emission[j] = tanhChange(p, n, own * before[j] + x);
  }
}

HEFT_CLONES void reluStep(const StepView& view, const float* __restrict before, float* __restrict emission) {
  const float a = view.point[0];
  const float own = view.own[0];
#pragma omp simd
  for (int64_t j = 0; j < view.columns; ++j) {
    const float x = view.change[j] * (view.read[j] + view.feedback[j] * before[j]);
    emission[j] = reluChange(a, own * before[j] + x);
  }
}

void step(CellKind kind, const StepView& view, float* carry, const float* before, float* emission) {
  switch (kind) {
    case CellKind::lstm:
      return (view.gate_changes != nullptr ? lstmInputStep : lstmStep)(view, carry, before, emission);
    case CellKind::gru:
      return (view.gate_changes != nullptr ? gruInputStep : gruStep)(view, carry, before, emission);
    case CellKind::rnn_tanh:
      return tanhStep(view, before, emission);
    case CellKind::rnn_relu:
      return reluStep(view, before, emission);
  }
}

/// Columns that are worked on together: their state stays in the first-level cache.
constexpr int64_t kBlock = 512;

}  // namespace

void unitResponse(const UnitResponseTask& task, float* emission, float* scratch) {
  const float select[4] = {task.gate == 0 ? 1.0f : 0.0f, task.gate == 1 ? 1.0f : 0.0f, task.gate == 2 ? 1.0f : 0.0f,
                           task.gate == 3 ? 1.0f : 0.0f};
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
                              task.own,
                              select,
                              read,
                              task.feedback != nullptr ? task.feedback + first : zeros,
                              change + first,
                              task.gate_changes != nullptr ? task.gate_changes + first : nullptr,
                              task.columns,
                              columns,
                              task.hidden_side ? 1.0f : 0.0f};
          step(task.kind, view, carry, before, out);
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

}  // namespace heft::kernels
