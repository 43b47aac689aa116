#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace heft {

/// Where a tensor stands among an operator's arguments.
struct ArgumentPlace {
  int64_t argument = -1;
  int64_t element = -1;  ///< in an argument that is a list; -1 where it is a tensor itself

  bool operator==(const ArgumentPlace&) const = default;
};

/// The defined tensors among an operator's arguments or results, each with its place.
std::vector<std::pair<ArgumentPlace, at::Tensor>> placedTensors(const std::vector<c10::IValue>& values);

/// What an operator does to the positions of the tensors that it is given.
enum class Reach {
  pointwise,   ///< each position of the result comes from the same position of every tensor, after broadcasting
  positional,  ///< the result's positions are the given ones, moved: views, copies, concatenations
  mixing,      ///< anything else
};

/// `op`'s arguments lie on top of `stack`: a batch norm is pointwise where it normalises by what it kept from training.
Reach reachOf(const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// The operator's name without namespace and without the underscore of in-place forms: "sigmoid".
std::string plainName(const c10::OperatorHandle& op);

/// True when a pointwise operator is linear in each tensor alone, the others held: additions, products, casts.
bool isLinearInEach(const std::string& plain_name);

/// True when a pointwise operator is linear in all its tensors together: additions, copies, casts.
bool isAdditive(const std::string& plain_name);

/// True when the operator writes into its argument `index`.
bool writesArgument(const c10::OperatorHandle& op, size_t index);

/// True when the operator writes into any argument.
bool writesArguments(const c10::OperatorHandle& op);

/// True when the operator reads shapes of its tensors, and not their values.
bool readsShapesAlone(const c10::OperatorHandle& op);

/// Calls `use` for every defined tensor of an argument or result: itself, or those of a list.
void eachTensor(const c10::IValue& value, const std::function<void(const at::Tensor&)>& use);

/// Puts change(tensor) in the place of an argument's tensor: the argument itself, or element `element` of a list.
void replaceTensor(c10::IValue& argument, int64_t element, const std::function<at::Tensor(const at::Tensor&)>& change);

}  // namespace heft
