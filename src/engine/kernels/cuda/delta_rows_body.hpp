#pragma once

#include "engine/cells/for_kind.hpp"
#include "engine/cells/gate_math.hpp"
#include "engine/kernels/cuda/delta_rows.hpp"

// What one thread of delta_rows.hpp's functions does: compiled for the device by delta_rows.cu, for the host by
// delta_rows_host.cpp.
namespace heft::kernels {

/// Nearest bfloat16, ties to even, of a finite number.
HEFT_DEVICE std::uint16_t nearestBfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

HEFT_DEVICE void writeOperand(const Operand& operand, int64_t row, int64_t column, float value) {
  if (operand.data == nullptr) return;
  const auto place = row * operand.stride + column;
  if (!operand.halves) {
    static_cast<float*>(operand.data)[place] = value;
    return;
  }
  auto* to = static_cast<std::uint16_t*>(operand.data) + place;
  const auto high = nearestBfloat16(value);
  to[0] = nearestBfloat16(value - std::bit_cast<float>(static_cast<std::uint32_t>(high) << 16));
  to[operand.high] = to[operand.again] = high;
}

/// As deltaStep(): what is nothing beside an activation becomes 0.
HEFT_DEVICE float withoutDenormals(float value) { return std::fabs(value) > 1e-30f ? value : 0.0f; }

template <CellKind kind>
struct UnitPoint;

template <>
struct UnitPoint<CellKind::lstm> {
  LstmPoint<float> at;
  HEFT_DEVICE UnitPoint(const float* p, int64_t n)
      : at{p[0],     p[n],     p[2 * n], p[3 * n],  p[4 * n],  p[5 * n], p[6 * n],
           p[7 * n], p[8 * n], p[9 * n], p[10 * n], p[11 * n], p[12 * n]} {}
  HEFT_DEVICE float step(const float* pre, int64_t n, float& carry) const {
    return lstmChange(at, pre[0], pre[n], pre[2 * n], pre[3 * n], carry);
  }
};

template <>
struct UnitPoint<CellKind::gru> {
  GruPoint<float> at;
  HEFT_DEVICE UnitPoint(const float* p, int64_t n)
      : at{p[0], p[n], p[2 * n], p[3 * n], p[4 * n], p[5 * n], p[6 * n], p[7 * n], p[8 * n]} {}
  HEFT_DEVICE float step(const float* pre, int64_t n, float& carry) const {
    return gruChange(at, pre[0], pre[n], pre[3 * n], pre[2 * n], carry);
  }
};

template <>
struct UnitPoint<CellKind::rnn_tanh> {
  float p, n;
  HEFT_DEVICE UnitPoint(const float* from, int64_t hidden) : p(from[0]), n(from[hidden]) {}
  HEFT_DEVICE float step(const float* pre, int64_t /*n*/, float& /*carry*/) const { return tanhChange(p, n, pre[0]); }
};

template <>
struct UnitPoint<CellKind::rnn_relu> {
  float a;
  HEFT_DEVICE UnitPoint(const float* from, int64_t /*hidden*/) : a(from[0]) {}
  HEFT_DEVICE float step(const float* pre, int64_t /*n*/, float& /*carry*/) const { return reluChange(a, pre[0]); }
};

/// One unit of one sample, in variants first, first + stride, ... below `end`: what the baseline fixes is read once for all.
template <CellKind kind>
HEFT_DEVICE void deltaUnit(const DeltaRows& step, int64_t unit, int64_t sample, int64_t first, int64_t end,
                           int64_t stride) {
  const auto hidden = step.hidden;
  const bool active = step.active == nullptr || step.active[sample] != 0;
  const UnitPoint<kind> point(step.points + sample * pointSize(kind) * hidden + unit, hidden);
  for (auto variant = first; variant < end; variant += stride) {
    const auto row = variant * step.samples + sample;
    const auto place = row * hidden + unit;
    const float before = step.previous != nullptr ? step.previous[place] : 0.0f;
    if (!active) {
      step.emitted[place] = before;
      continue;
    }
    float carry = kind == CellKind::lstm ? step.carry[place] : before;
    const float emitted =
        withoutDenormals(point.step(step.pre + row * deltaColumns(kind) * hidden + unit, hidden, carry));
    if (kind == CellKind::lstm) step.carry[place] = withoutDenormals(carry);
    step.emitted[place] = emitted;
    writeOperand(step.operand, row, unit, emitted);
  }
}

HEFT_DEVICE void takeValue(const TakenRows& rows, int64_t row, int64_t column) {
  const auto place = row * rows.width + column;
  const bool active = rows.active == nullptr || rows.active[row % rows.samples] != 0;
  const float value = active ? rows.values[place] : rows.previous != nullptr ? rows.previous[place] : 0.0f;
  if (rows.emitted != nullptr) rows.emitted[place] = value;
  if (active) writeOperand(rows.operand, row, column, value);
}

HEFT_DEVICE float readOf(const ChangeSource& from, int64_t row, int64_t sample, int64_t column) {
  const float moved = from.moved != nullptr ? from.moved[row * from.width + column] : 0.0f;
  return from.base[sample * from.width + column] + moved;
}

HEFT_DEVICE void addPlace(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second,
                          float* out, int64_t width, int64_t samples, int64_t place, int64_t sample) {
  const auto row = changes.variant[place] * samples + sample;
  float sum = 0;
  for (auto e = changes.begin[place]; e < changes.begin[place + 1]; ++e) {
    const auto source = changes.source[e];
    const auto column = changes.reads[e];
    const float read = source == WeightChanges::ones    ? 1.0f
                       : source == WeightChanges::first ? readOf(first, row, sample, column)
                                                        : readOf(second, row, sample, column);
    sum += changes.change[e] * read;
  }
  out[row * width + changes.column[place]] += sum;
}

}  // namespace heft::kernels
