#include "model/plain_data.hpp"

#include <vector>

#include "model/refusals.hpp"

namespace heft {

void readDataAsDetached(const torch::jit::Module& module) {
  std::vector<torch::jit::Node*> found;
  eachNode(module, [&](torch::jit::Node* node) {
    if (std::string_view(node->kind().toQualString()) == "prim::data") found.push_back(node);
  });
  for (auto* node : found) {
    auto* detached = node->owningGraph()->create(c10::aten::detach, {node->input(0)});
    detached->insertBefore(node);
    detached->output()->copyMetadata(node->output());
    node->output()->replaceAllUsesWith(detached->output());
    node->destroy();
  }
}

}  // namespace heft
