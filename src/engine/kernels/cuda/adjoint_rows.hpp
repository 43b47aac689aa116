#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"
#include "engine/kernels/cuda/place.hpp"

namespace heft::kernels {

/// Adjoints that come in, whatever their type and order in memory.
struct AdjointSource {
  const void* data = nullptr;                ///< null: zeros
  bool wide = false;                         ///< double; else float
  std::int64_t seed = 0, row = 0, unit = 0;  ///< distances, in numbers
};

/// adjointStep() of every unit of every row, for many seeds.
struct AdjointRows {
  CellKind kind = CellKind::lstm;
  std::int64_t seeds = 0, rows = 0, hidden = 0;
  const float* planes = nullptr;         ///< [rows, adjointPlanes(kind), hidden]
  const float* own = nullptr;            ///< [adjointColumns(kind), hidden]
  const std::uint8_t* active = nullptr;  ///< [rows]: 0 where a packed sequence has no such step; null: everywhere
  AdjointSource sequence;                ///< [seeds, rows, hidden]: of what the layer gives at this step
  /// [seeds, rows, hidden]: of what units emit, as the steps behind see it. Left as what goes on to the step before without a
  /// product: nothing, or all of it where a row is not active.
  float* emitted = nullptr;
  float* carry = nullptr;  ///< [seeds, rows, hidden], as AdjointStep's
  float* gates = nullptr;  ///< [seeds, rows, adjointColumns(kind), hidden], as AdjointStep's
  float* seen = nullptr;   ///< [seeds, rows, hidden], as AdjointStep's
};

void adjointRows(const AdjointRows& step, Place place);

}  // namespace heft::kernels
