#pragma once

#include "engine/cells/for_kind.hpp"
#include "engine/cells/gate_math.hpp"
#include "engine/kernels/cuda/response_rows.hpp"

// What one thread of response_rows.hpp's functions does: compiled for the device by response_rows.cu, for the host by
// response_rows_host.cpp.
#if defined(__CUDACC__)
#define HEFT_UNROLL _Pragma("unroll")
#else
#define HEFT_UNROLL _Pragma("GCC unroll 64")
#endif

namespace heft::kernels {

struct FourFloats {
  float value[4];
};

/// `from` is 16-byte aligned. One load: threads of a warp read the same numbers, so loads, not bytes, are what counts.
HEFT_DEVICE FourFloats loadFour(const float* from) {
#if defined(__CUDA_ARCH__)
  const auto four = __ldg(reinterpret_cast<const float4*>(from));
  return {{four.x, four.y, four.z, four.w}};
#else
  return {{from[0], from[1], from[2], from[3]}};
#endif
}

/// The weight that changes, as its unit sees it.
struct ChangedGate {
  int gate;
  bool hidden_side;
  float own[4];  ///< of the gates that the cell has

  /// What gate g's pre-activation changes by, where the weight adds `moved` and the unit emitted `before` more.
  [[nodiscard]] HEFT_DEVICE float at(int g, float moved, float before) const {
    return own[g] * before + (gate == g ? moved : 0.0f);
  }
};

/// One step of one unit; own: its recurrent weights run inside it.
template <CellKind kind, bool own>
struct InsideUnit;

template <>
struct InsideUnit<CellKind::lstm, true> {
  LstmPoint<float> at;
  HEFT_DEVICE InsideUnit(const float* p, const ChangedGate& /*changed*/)
      : at{p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12]} {}
  HEFT_DEVICE float step(const ChangedGate& changed, float moved, float before, float& carry) const {
    return lstmChange(at, changed.at(0, moved, before), changed.at(1, moved, before), changed.at(2, moved, before),
                      changed.at(3, moved, before), carry);
  }
};

/// Only the changed gate moves.
template <>
struct InsideUnit<CellKind::lstm, false> {
  float p, n, input, forget, cell, output, carry_before, carry_p, carry_n, carry_tanh;
  HEFT_DEVICE InsideUnit(const float* from, const ChangedGate& changed)
      : p(from[changed.gate < 3 ? 2 * changed.gate : 7]),
        n(from[changed.gate < 3 ? 2 * changed.gate + 1 : 8]),
        input(from[0]),
        forget(from[2]),
        cell(from[6]),
        output(from[7]),
        carry_before(from[9]),
        carry_p(from[10]),
        carry_n(from[11]),
        carry_tanh(from[12]) {}
  HEFT_DEVICE float step(const ChangedGate& changed, float moved, float /*before*/, float& carry) const {
    const int gate = changed.gate;
    const float change = gate == 2 ? tanhChange(p, n, moved) : sigmoidChange(p, n, moved);
    // By gate, what the change is multiplied by on its way into the carry.
    const float by = gate == 0 ? cell : gate == 1 ? carry_before + carry : gate == 2 ? input : 0.0f;
    carry = forget * carry + change * by;
    const float dt = tanhChange(carry_p, carry_n, carry);
    return output * dt + (gate == 3 ? change * (carry_tanh + dt) : 0.0f);
  }
};

template <bool own>
struct InsideUnit<CellKind::gru, own> {
  GruPoint<float> at;
  HEFT_DEVICE InsideUnit(const float* p, const ChangedGate& /*changed*/)
      : at{p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]} {}
  HEFT_DEVICE float step(const ChangedGate& changed, float moved, float before, float& carry) const {
    const bool on_input = changed.gate == 2 && !changed.hidden_side;
    return gruChange(at, changed.at(0, moved, before), changed.at(1, moved, before), on_input ? moved : 0.0f,
                     changed.at(2, on_input ? 0.0f : moved, before), carry);
  }
};

template <bool own>
struct InsideUnit<CellKind::rnn_tanh, own> {
  float p, n;
  HEFT_DEVICE InsideUnit(const float* from, const ChangedGate& /*changed*/) : p(from[0]), n(from[1]) {}
  HEFT_DEVICE float step(const ChangedGate& changed, float moved, float before, float& /*carry*/) const {
    return tanhChange(p, n, changed.at(0, moved, before));
  }
};

template <bool own>
struct InsideUnit<CellKind::rnn_relu, own> {
  float a;
  HEFT_DEVICE InsideUnit(const float* from, const ChangedGate& /*changed*/) : a(from[0]) {}
  HEFT_DEVICE float step(const ChangedGate& changed, float moved, float before, float& /*carry*/) const {
    return reluChange(a, changed.at(0, moved, before));
  }
};

/// Columns that one thread takes, so that a loaded lambda serves all of them; one where the sums fill the registers.
constexpr int columnsTogether(int tile) { return tile > 32 ? 1 : 2; }

/// sum[w][k] += lambda[k] x emission[w]
template <int tile, int width>
HEFT_DEVICE void addSeeds(const float* lambda, const float (&emission)[width], float (&sum)[width][tile]) {
  HEFT_UNROLL
  for (int k = 0; k < tile; k += 4) {
    const auto four = loadFour(lambda + k);
    HEFT_UNROLL
    for (int i = 0; i < 4; ++i) {
      HEFT_UNROLL
      for (int w = 0; w < width; ++w) sum[w][k + i] += four.value[i] * emission[w];
    }
  }
}

/// Adds the sums to the block, of those columns and seeds that there are.
template <int tile, int width>
HEFT_DEVICE void addSums(const ResponseRows& task, const float (&sum)[width][tile], std::int64_t first,
                         std::int64_t sample, std::int64_t row, std::int64_t lane, std::int64_t lanes) {
  float* out = task.block + ((row * task.samples + sample) * task.seeds + first) * task.columns;
  const auto left = task.seeds - first;
  HEFT_UNROLL
  for (int w = 0; w < width; ++w) {
    if (lane + w * lanes >= task.columns) break;
    HEFT_UNROLL
    for (int k = 0; k < tile; ++k) {
      if (k < left) out[k * task.columns + lane + w * lanes] += sum[w][k];
    }
  }
}

/// Columns `lane`, `lane` + lanes, ... (columnsTogether() of them) of one row in one sample, and `tile` seeds from `first` on.
template <CellKind kind, bool own, int tile>
HEFT_DEVICE void rowResponse(const ResponseRows& task, std::int64_t first, std::int64_t sample, std::int64_t row,
                             std::int64_t lane, std::int64_t lanes) {
  constexpr int width = columnsTogether(tile);
  constexpr auto size = pointSize(kind);
  constexpr int gates = kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1;
  const auto line = task.row[row];
  const auto unit = line % task.hidden;
  ChangedGate changed{static_cast<int>(line / task.hidden), task.hidden_side, {0, 0, 0, 0}};
  HEFT_UNROLL
  for (int g = 0; g < gates; ++g) {
    if (own) changed.own[g] = task.own[unit * gates + g];
  }
  const auto padded = paddedSeeds(task.seeds);
  const auto outputs = task.steps + task.carry_count;

  std::int64_t column[width];
  float change[width], feedback[width], sum[width][tile];
  HEFT_UNROLL
  for (int w = 0; w < width; ++w) {
    // What lies behind the last column is computed with it and not written.
    column[w] = lane + w * lanes < task.columns ? lane + w * lanes : task.columns - 1;
    change[w] = task.change[row * task.columns + column[w]];
    feedback[w] = task.feedback != nullptr ? task.feedback[unit * task.columns + column[w]] : 0.0f;
    HEFT_UNROLL
    for (int k = 0; k < tile; ++k) sum[w][k] = 0;
  }
  for (auto s = task.begin[sample]; s < task.begin[sample + 1]; ++s) {
    const auto sequence = task.sequence[s];
    const float* point = task.points + (unit * task.sequences + sequence) * task.steps * size;
    const float* lambda = task.lambda + (unit * task.sequences + sequence) * outputs * padded + first;
    const float* lambda_carry = lambda + task.steps * padded;
    const float* read = task.read != nullptr ? task.read + sequence * task.steps * task.columns : nullptr;
    const std::uint8_t* active = task.active != nullptr ? task.active + sequence * task.steps : nullptr;
    float carry[width] = {}, before[width] = {};
    std::int64_t wanted = 0;
    for (std::int64_t t = 0; t < task.steps; ++t) {
      if (active == nullptr || active[t] != 0) {
        const InsideUnit<kind, own> inside(point, changed);
        HEFT_UNROLL
        for (int w = 0; w < width; ++w) {
          const float seen = (read != nullptr ? read[column[w]] : 1.0f) + feedback[w] * before[w];
          before[w] = inside.step(changed, change[w] * seen, before[w], carry[w]);
        }
        addSeeds<tile, width>(lambda, before, sum);
      }
      if (wanted < task.carry_count && task.carry_steps[wanted] == t) {
        addSeeds<tile, width>(lambda_carry, carry, sum);
        lambda_carry += padded;
        ++wanted;
      }
      point += size;
      lambda += padded;
      if (read != nullptr) read += task.columns;
    }
  }
  addSums(task, sum, first, sample, row, lane, lanes);
}

/// Threads that a row of weights takes.
template <int tile>
HEFT_DEVICE std::int64_t lanesOf(const ResponseRows& task) {
  constexpr int width = columnsTogether(tile);
  return (task.columns + width - 1) / width;
}

HEFT_DEVICE void sumSquares(const SeedSquares& task, std::int64_t line, std::int64_t column) {
  const float* from = task.block + (line * task.seeds + task.first) * task.columns + column;
  double sum = 0;
  for (std::int64_t k = 0; k < task.count; ++k) {
    const auto one = static_cast<double>(from[k * task.columns]);
    sum += one * one;
  }
  task.sums[line * task.columns + column] = sum;
}

/// Calls launch.template operator()<kind, own, tile>(first) for each tile of seeds.
template <CellKind kind, bool own, class Launch>
void overTiles(const ResponseRows& task, const Launch& launch) {
  for (std::int64_t first = 0; first < task.seeds;) {
    const auto tile = seedsTogether(task.seeds - first);
    if (tile == 8)
      launch.template operator()<kind, own, 8>(first);
    else if (tile == 16)
      launch.template operator()<kind, own, 16>(first);
    else if (tile == 32)
      launch.template operator()<kind, own, 32>(first);
    else
      launch.template operator()<kind, own, 64>(first);
    first += tile;
  }
}

/// The same, for the task's own kind. An LSTM's inside is shorter without own weights, the others' hardly: they meet zeros.
template <class Launch>
void overTiles(const ResponseRows& task, const Launch& launch) {
  forKind(task.kind, [&]<CellKind kind>() {
    task.own != nullptr ? overTiles<kind, true>(task, launch) : overTiles<kind, false>(task, launch);
  });
}

}  // namespace heft::kernels
