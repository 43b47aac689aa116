#pragma once

#include <torch/script.h>

#include <filesystem>
#include <string>
#include <vector>

namespace heft {

/// Throws Error(Fault::unsupported) for models whose weights have no plain tensor to change: quantised ones and graphs
/// packed for one backend (`optimize_for_inference`).
void refuseUnchangeable(const torch::jit::Module& module, const std::filesystem::path& path);

/// Adds a note when the model was saved in training mode.
void noteTrainingMode(const torch::jit::Module& module, std::vector<std::string>& notes);

/// Calls `visit` on every node of every method's graph, inner blocks included; functions that it calls are left out.
void eachNode(const torch::jit::Module& module, const std::function<void(torch::jit::Node*)>& visit);

}  // namespace heft
