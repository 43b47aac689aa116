#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"

namespace heft::kernels {

/// One row of a weight matrix (one gate of one unit), all its columns.
struct UnitResponseTask {
  CellKind kind = CellKind::lstm;
  int64_t rows = 0;  ///< sequences
  int64_t steps = 0;
  int64_t columns = 0;
  const float* points = nullptr;  ///< [rows, steps, pointSize]
  /// [gates]: weights from the unit's emission to its own gates; null: left out, where `gate_changes` is null too.
  const float* own = nullptr;
  int64_t gate = 0;                 ///< the gate that the row feeds
  bool hidden_side = false;         ///< GRU: the row belongs to weight_hh or bias_hh
  const float* read = nullptr;      ///< [rows, steps, read_width]: what the columns read; null: ones (a bias)
  int64_t read_width = 0;           ///< distance between steps in `read`
  const float* feedback = nullptr;  ///< [columns]: how a column's reading changes with the unit's emission; null: zeros
  const float* change = nullptr;    ///< [columns]: change of each weight
  /// [gates, columns]: instead of `gate` and `change`, a change of what the unit reads, which reaches every gate. For a GRU on
  /// the input's side; `feedback` is not looked at.
  const float* gate_changes = nullptr;
  /// [rows, steps]: 0 where nothing is read, so that only what has changed before goes on; null: everywhere.
  const std::uint8_t* present = nullptr;
  const std::uint8_t* active =
      nullptr;  ///< [rows, steps]: 0 where a packed sequence has no such step, so the unit stays; null: all
  const int64_t* carry_steps = nullptr;  ///< steps after which the carry's change is wanted too
  int64_t carry_count = 0;
};

/// For each column alone: the change of what the unit emits, by the exact recurrence inside the unit.
/// Writes `emission` [rows, steps + carry_count, columns]; `scratch` holds 2 x columns floats.
void unitResponse(const UnitResponseTask& task, float* emission, float* scratch);

}  // namespace heft::kernels
