#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <vector>

#include "engine/forward/operators.hpp"
#include "model/model.hpp"

namespace heft {

/// How a tensor looks at the memory of another one.
struct ViewForm {
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;  ///< elements from the other's first

  bool operator==(const ViewForm&) const = default;
};

/// `view`, which lies in the memory of `base`.
ViewForm formOf(const at::Tensor& view, const at::Tensor& base);

/// What one argument of a weight call is.
struct WeightOperand {
  enum class Kind { parameter, call, constant };

  ArgumentPlace place;
  Kind kind = Kind::constant;
  int64_t index = 0;  ///< the parameter, or the earlier call
  size_t result = 0;  ///< of that call
  ViewForm form;      ///< of the parameter or the result
  at::Tensor constant;
};

/// An operator call that reads parameters, constants of the model and what other such calls gave, and nothing else: a step of a
/// weight function.
struct WeightCall {
  c10::OperatorHandle op;
  std::vector<c10::IValue> arguments;  ///< as forward gave them
  std::vector<WeightOperand> operands;
  std::vector<at::Tensor> results;  ///< contiguous

  /// True when a call of `op` with these arguments is this one. `same(operand, tensor)` tells whether a tensor is an operand
  /// that isn't a constant.
  [[nodiscard]] bool matches(const c10::OperatorHandle& other, const std::vector<c10::IValue>& given,
                             const std::function<bool(const WeightOperand&, const at::Tensor&)>& same) const;

  /// Runs it on other operands, given by `value`, with results of the types that it had.
  [[nodiscard]] std::vector<at::Tensor> run(const std::function<at::Tensor(const WeightOperand&)>& value) const;
};

/// True when `tensor` is an operand that isn't a constant, of a call that follows `calls`.
bool isOperand(const Model& model, const std::vector<WeightCall>& calls, const WeightOperand& operand,
               const at::Tensor& tensor);

}  // namespace heft
