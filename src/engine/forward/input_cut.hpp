#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <vector>

#include "data/input_cut.hpp"

namespace heft {

/// The inputs cut: of the first tensor that dimension, of the others the same one, or else the first one of as many places; those that
/// have none such stay whole.
std::vector<c10::IValue> cutInputs(const std::vector<c10::IValue>& values, const InputCut& cut);

/// The sizes of the first tensor among the inputs; empty where there is none.
std::vector<int64_t> firstSizes(const std::vector<c10::IValue>& values);

}  // namespace heft
