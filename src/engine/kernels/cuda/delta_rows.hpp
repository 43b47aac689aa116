#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"
#include "engine/kernels/cuda/place.hpp"

namespace heft::kernels {

/// Rows as a matrix product takes them: floats, or each float as two bfloat16 numbers, low and high, whose sum it is within 2^-17.
/// Against weights split likewise the high half stands twice: a row is low x high + high x low + high x high.
struct Operand {
  void* data = nullptr;  ///< of the first row: its floats or low halves; null: none is written
  int64_t stride = 0;    ///< elements between rows
  bool halves = false;
  int64_t high = 0, again = 0;  ///< elements from a low half to its high one, and to that once more
};

/// One step of a layer in many variants at once. Rows are variants x samples, row = variant x samples + sample.
struct DeltaRows {
  CellKind kind = CellKind::lstm;
  int64_t variants = 0, samples = 0, hidden = 0;
  const float* points = nullptr;         ///< [samples, pointSize(kind), hidden]
  const std::uint8_t* active = nullptr;  ///< [samples]: 0 where a packed sequence has no such step; null: everywhere
  const float* pre = nullptr;            ///< [rows, deltaColumns(kind), hidden]: changes of pre-activations
  float* carry = nullptr;                ///< [rows, hidden]: an LSTM's, read and written
  const float* previous = nullptr;       ///< [rows, hidden]: changes of what was emitted a step before; null: none
  float* emitted = nullptr;              ///< [rows, hidden]: written
  Operand operand;  ///< the same for the next product; rows that are not active are left as they are
};

/// deltaStep() of every row, by the formulas of gate_math.hpp; where a row is not active it emits what it emitted before.
/// With a projection, what is emitted is not the layer's state, and `previous` is null.
void deltaRows(const DeltaRows& step, Place place);

/// Rows that are taken over from a product.
struct TakenRows {
  int64_t rows = 0, samples = 0, width = 0;
  const float* values = nullptr;         ///< [rows, width]
  const std::uint8_t* active = nullptr;  ///< as above
  const float* previous = nullptr;       ///< [rows, width], or null: zeros; where a row is not active
  float* emitted = nullptr;              ///< [rows, width]: written; null: only the operand is wanted
  Operand operand;                       ///< as above
};

void takeRows(const TakenRows& rows, Place place);

/// What changed weights are multiplied by.
struct ChangeSource {
  const float* base = nullptr;   ///< [samples, width]: in the unchanged model
  const float* moved = nullptr;  ///< [rows, width]: how that changes; null: not at all
  int64_t width = 0;
};

/// dW (z + dz) of the changed entries of weight matrices, summed for each place that they feed. All arrays lie in `Place`.
struct WeightChanges {
  enum Source : std::int32_t { first, second, ones };

  int64_t places = 0;                     ///< pairs of a variant and a column that something feeds
  const std::int32_t* variant = nullptr;  ///< [places]
  const std::int32_t* column = nullptr;   ///< [places]: of the output
  const std::int32_t* begin = nullptr;    ///< [places + 1]: of the entries that feed it
  const std::int32_t* source = nullptr;   ///< [entries]: a Source
  const std::int32_t* reads = nullptr;    ///< [entries]: column of what is read
  const float* change = nullptr;          ///< [entries]
};

/// out[row of variant and sample, column] += the sum of its entries. `out` is [rows, width].
void addWeightChanges(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second, float* out,
                      int64_t width, int64_t samples, Place place);

}  // namespace heft::kernels
