#pragma once

#include <torch/script.h>

#include <string>
#include <vector>

#include "model/model.hpp"

namespace heft {

/// A weight tensor of a frozen graph, whose own name is lost.
struct NamedConstant {
  std::string name;  ///< of the operator that reads it: "lstm0.weight_hh_l0", "linear1.bias", "add0.other"
  at::Tensor value;  ///< as the graph holds it
};

/// Constants that the operators of a module's graphs read as weights, in the order of the code: operands of products,
/// sums and of arguments that are called weight or bias. Numbers, integers and the running statistics of norms are left out.
std::vector<NamedConstant> weightConstants(const torch::jit::Module& module);

/// Every tensor that a model holds: parameters, buffers, attributes, those in its lists, and the constants of its graphs, as
/// forward's operators see them.
std::vector<at::Tensor> heldTensors(Model& model);

}  // namespace heft
