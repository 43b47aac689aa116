#pragma once

#include <ATen/core/ivalue.h>

#include <functional>
#include <string>
#include <vector>

#include "data/inputs.hpp"

namespace heft {

using TensorMap = std::function<at::Tensor(const at::Tensor&, size_t index)>;

/// The values with `map` applied to every tensor in them, in tuples, lists and dicts too; `index` counts them.
std::vector<c10::IValue> mapTensors(const std::vector<c10::IValue>& values, const TensorMap& map);

/// Every tensor among the inputs, in the order of mapTensors().
std::vector<at::Tensor> inputTensors(const std::vector<c10::IValue>& values);

/// What each of them is called: "x", "hidden.0", "batch.mask".
std::vector<std::string> inputTensorNames(const Inputs& inputs);

}  // namespace heft
