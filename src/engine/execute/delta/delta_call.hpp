#pragma once

#include <vector>

#include "engine/execute/delta/baseline_calls.hpp"
#include "engine/execute/delta/cell_change.hpp"

namespace heft {

/// What variants of a model change in one recurrent call.
struct CallDeltas {
  at::Tensor input;   ///< [variants, the call's own shape], float64; undefined where it is the baseline's
  at::Tensor hidden;  ///< [variants, layers x directions, batch, emitted]; undefined likewise
  at::Tensor carry;   ///< [variants, layers x directions, batch, hidden]; undefined likewise
  std::vector<std::vector<CellChange>> changes;  ///< [layers x directions][variants]
};

/// What a call gives in every variant.
struct VariantResults {
  RecurrentResult result;
  /// float32 [variants, rows, columns]: LayerDeltas', of all layers; undefined where it isn't known.
  at::Tensor rounding;
};

/// The call's results in every variant, [variants, ...], float64: the baseline's, and on top of it what runDeltas() carries
/// through layer by layer. Of the output only the places that `baseline.read` names are written, on a device whole steps; the
/// others hold anything. Blocks of variants run side by side on the threads there are; their sizes depend on the call alone.
/// `workspaces`: one a thread, made as needed.
/// `baseline` must be prepared.
VariantResults runDeltaCall(BaselineCall& baseline, const CallDeltas& deltas, int64_t variants,
                            std::vector<Workspace>& workspaces);

}  // namespace heft
