#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/cells/recurrent_call.hpp"

namespace heft {

/// What a layer's run starts from. Rows are samples, or variants x samples (row = variant x samples + sample); a
/// sequence or states that are the same for all variants have as many rows as there are samples.
struct LayerInput {
  at::Tensor sequence;  ///< [time, rows, inputs], in the order in which the layer reads it
  at::Tensor hidden;    ///< [rows, emitted]
  at::Tensor carry;     ///< LSTM: [rows, hidden]; else undefined
  at::Tensor active;    ///< bool [time, samples, 1] where a packed sequence has that step; undefined: everywhere
};

/// What a layer's run gives.
struct LayerOutput {
  at::Tensor sequence;   ///< [time, rows, emitted], in the order of the input
  at::Tensor hidden;     ///< [rows, emitted]
  at::Tensor carry;      ///< LSTM: [rows, hidden]; else undefined
  at::Tensor raw_carry;  ///< GRU: [rows, hidden] as the unit itself goes on with it; RNN: undefined
};

/// Lets a caller see and change a layer's run between its steps. Each function returns what the run goes on with.
class LayerHook {
 public:
  virtual ~LayerHook() = default;

  /// Runs the layer in runLayer()'s place, or gives nothing, and then what follows is called.
  virtual std::optional<LayerOutput> run(CellKind /*kind*/, const CellWeights& /*weights*/,
                                         const LayerInput& /*input*/) {
    return std::nullopt;
  }
  /// The states that the run really starts from. They may get more rows here, one set a variant.
  virtual void begin(at::Tensor& /*emitted*/, at::Tensor& /*carry*/) {}
  /// x [rows..., in] times the transpose of weight [out, in], plus the bias if there is one.
  virtual at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
  /// Input terms of the pre-activations of all steps, [time, rows, gates x hidden].
  virtual at::Tensor inputTerms(const at::Tensor& terms) { return terms; }
  /// True: input terms are computed step by step, which saves memory where rows are many; inputTerms isn't called then.
  [[nodiscard]] virtual bool stepwise() const { return false; }
  /// The input terms of one step, [rows, gates x hidden].
  virtual at::Tensor inputTerm(int64_t /*step*/, const at::Tensor& term) { return term; }
  /// The recurrent term of one step, [rows, gates x hidden], fresh memory that may be written to.
  virtual at::Tensor recurrentTerm(int64_t /*step*/, const at::Tensor& term, const at::Tensor& /*emitted*/) {
    return term;
  }
  /// The pre-activations of one step; `input` and `recurrent` are apart because a GRU multiplies one of them.
  virtual void preActivations(int64_t /*step*/, const at::Tensor& /*input*/, const at::Tensor& /*recurrent*/,
                              const at::Tensor& /*emitted*/, const at::Tensor& /*carry*/) {}
  /// The hidden value of one step, [rows, hidden], before the projection.
  virtual at::Tensor emission(int64_t /*step*/, const at::Tensor& hidden) { return hidden; }
  /// What the projection gives, [rows, emitted]; not called without one.
  virtual at::Tensor projected(int64_t /*step*/, const at::Tensor& emitted, const at::Tensor& /*hidden*/) {
    return emitted;
  }
  /// The final carry as the model gets it; an LSTM's only.
  virtual at::Tensor finalCarry(const at::Tensor& carry) { return carry; }
  virtual void end(const LayerInput& /*input*/, const LayerOutput& /*output*/) {}
};

/// Runs one layer in one direction, step by step, by PyTorch's documented equations of nn.LSTM, nn.GRU and nn.RNN.
LayerOutput runLayer(CellKind kind, const CellWeights& weights, const LayerInput& input, LayerHook& hook);

/// Makes the hook of layer x direction `index`.
using HookMaker = std::function<std::unique_ptr<LayerHook>(size_t index, const LayerInput& input)>;

/// Runs a whole call, layer by layer and direction by direction. `variants` > 0: input and states may carry that many
/// variants in a leading dimension before the call's own ([variants, time, batch, inputs], …; hidden and carry alike).
/// Layers run without variants for as long as nothing that they read has any and their hook's `begin` adds none; each
/// result has the leading dimension where it differs between variants.
RecurrentResult runCall(const RecurrentCall& call, const HookMaker& hooks, int64_t variants = 0);

}  // namespace heft
