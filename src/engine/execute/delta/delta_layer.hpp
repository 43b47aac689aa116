#pragma once

#include <span>

#include "engine/execute/delta/cell_baseline.hpp"
#include "engine/execute/delta/cell_change.hpp"
#include "engine/kernels/products/workspace.hpp"

namespace heft {

/// How what a layer starts from differs from the baseline, for a block of variants. Rows are variants x samples (row = variant
/// x samples + sample); float32 where the baseline lies; undefined where nothing differs.
struct LayerDeltas {
  at::Tensor sequence;  ///< [steps, rows, inputs], in the order in which the layer reads it
  at::Tensor hidden;    ///< [rows, emitted]
  at::Tensor carry;     ///< LSTM: [rows, hidden]
  at::Tensor rounding;  ///< of results: [rows, columns], RoundingTable's sums; undefined where they aren't known

  [[nodiscard]] bool any() const { return sequence.defined() || hidden.defined() || carry.defined(); }
};

/// Carries differences through one layer in one direction: never a variant's values, so that nothing cancels and small
/// changes keep float32's relative accuracy (docs/method.md, "delta propagation"). `changes` has one element a
/// variant. Rows that nothing has reached yet take no part in a step. Returns what differs in sequence, hidden and carry,
/// all defined (carry for an LSTM alone), and what its products' rounding took from the outputs; the sequence lies in
/// `workspace`'s place `place` (its own are the first kDeltaPlaces).
/// `kept`: by step, 0 where the sequence may hold anything; empty: nowhere.
LayerDeltas runDeltas(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input,
                      Workspace& workspace, size_t place, std::span<const uint8_t> kept = {});

/// Places of a workspace that runDeltas() itself takes: the first ones.
constexpr size_t kDeltaPlaces = 9;

}  // namespace heft
