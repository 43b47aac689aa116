#include "engine/forward/release_graph.hpp"

#include <torch/csrc/autograd/function.h>

#include <memory>
#include <unordered_set>
#include <vector>

namespace heft {

void releaseGraph(const at::Tensor& output) {
  if (!output.defined() || !output.grad_fn()) return;
  // All are held until the end: each would take what only it leads to along.
  std::vector<std::shared_ptr<torch::autograd::Node>> nodes{output.grad_fn()};
  std::unordered_set<const torch::autograd::Node*> seen{nodes[0].get()};
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto node = nodes[i];
    for (const auto& edge : node->next_edges()) {
      if (edge.function && seen.insert(edge.function.get()).second) nodes.push_back(edge.function);
    }
  }
  for (const auto& node : nodes) node->release_variables();
}

}  // namespace heft
