#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <optional>

#include "engine/forward/operators.hpp"
#include "model/model.hpp"

namespace heft {

/// A call of an operator that computes input W^T + bias.
struct LinearCall {
  at::Tensor input;   ///< [..., inputs]
  at::Tensor weight;  ///< [outputs, inputs]
  at::Tensor bias;    ///< undefined where there is none
  ArgumentPlace weight_place, bias_place;
};

/// `op`'s arguments lie on top of `stack`. Nothing for other operators, vectors, and products that are scaled.
std::optional<LinearCall> parseLinearCall(const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// Where a matrix that an operator reads lies inside a parameter that is seen as [rows, columns].
struct WeightBlock {
  int64_t parameter = -1;
  int64_t first_row = 0;
  int64_t first_column = 0;
  bool transposed = false;  ///< the operator's output features run along the parameter's columns
};

/// `weight` is [outputs, inputs]; parameter -1 where it is no block of a two-dimensional parameter.
WeightBlock blockOf(const Model& model, const at::Tensor& weight);

/// The parameter that `tensor` is the whole of, as it is, or -1.
int64_t wholeParameter(const Model& model, const at::Tensor& tensor);

}  // namespace heft
