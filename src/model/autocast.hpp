#pragma once

#include <torch/script.h>

#include <string>

namespace heft {

/// What in forward computes in fewer bits than float32 has: "autocast blocks", "casts to bfloat16"; empty where nothing does.
std::string reducedTypesOf(const torch::jit::Module& module);

/// Makes the autocast blocks of forward cast as they do in PyTorch, which applies them where it optimises a graph. For models in
/// their own types, before they run and after whatever else changes their graphs.
void applyAutocast(const torch::jit::Module& module);

}  // namespace heft
