#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/cells/cell_kind.hpp"

namespace heft {

/// "LSTM", "GRU", "RNN (tanh)", "RNN (relu)".
std::string cellName(CellKind kind);

/// Gates in the order in which PyTorch stacks them in a weight's rows; one unnamed gate for a plain RNN.
const std::vector<std::string>& gateNames(CellKind kind);

/// Weights of one layer in one direction; tensors that the layer doesn't have are undefined.
struct CellWeights {
  at::Tensor input;           ///< weight_ih [gates x hidden, inputs]
  at::Tensor recurrent;       ///< weight_hh [gates x hidden, emitted]; emitted = projection size, or hidden
  at::Tensor input_bias;      ///< [gates x hidden]
  at::Tensor recurrent_bias;  ///< [gates x hidden]
  at::Tensor projection;      ///< weight_hr [emitted, hidden]
};

/// One call of a recurrent operator, whatever its overload: a whole sequence, a packed one, or one step of a cell.
struct RecurrentCall {
  CellKind kind = CellKind::lstm;
  bool cell = false;  ///< one step: input is [batch, inputs]
  bool batch_first = false;
  bool bidirectional = false;
  int64_t layers = 1;
  at::Tensor input;        ///< [time, batch, inputs], [batch, time, inputs], or packed [sum of lengths, inputs]
  at::Tensor batch_sizes;  ///< packed: int64 [time]; else undefined
  at::Tensor hidden;       ///< [layers x directions, batch, emitted]
  at::Tensor carry;        ///< LSTM: [layers x directions, batch, hidden]; else undefined
  std::vector<CellWeights> weights;  ///< [layers x directions], a layer's directions side by side

  [[nodiscard]] int64_t directions() const { return bidirectional ? 2 : 1; }
};

/// The call on top of `stack`, or nothing when `op` is not a recurrent operator. The stack is left as it is.
/// Throws Error(Fault::input) when the input's rank or width doesn't fit the weights.
std::optional<RecurrentCall> parseRecurrentCall(const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// What a call returns: output in the call's own layout, and the final states [layers x directions, batch, ...].
struct RecurrentResult {
  at::Tensor output;
  at::Tensor hidden;
  at::Tensor carry;
};

/// Replaces the arguments on top of `stack` by what `op` returns.
void pushRecurrentResult(const c10::OperatorHandle& op, const RecurrentCall& call, const RecurrentResult& result,
                         torch::jit::Stack& stack);

}  // namespace heft
