#include "model/refusals.hpp"

#include <set>

#include "heft/error.hpp"

namespace heft {
namespace {

void eachNodeOf(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit) {
  for (auto* node : block->nodes()) {
    visit(node);
    for (auto* inner : node->blocks()) eachNodeOf(inner, visit);
  }
}

std::string packedOperator(const torch::jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  if (kind.starts_with("quantized::") || kind.starts_with("aten::quantize_per") ||
      kind.starts_with("aten::quantized_") || kind.starts_with("aten::fbgemm_")) {
    return kind +
           " is quantised: its weights are packed integers that can't be changed one by one; bring the model from "
           "before quantisation";
  }
  if (kind.starts_with("mkldnn") || kind.find("MKLDNN") != std::string::npos || kind.starts_with("prepacked::") ||
      kind.starts_with("mkldnn_prepacked::")) {
    return kind +
           " was packed for one processor (torch.jit.optimize_for_inference); bring the model from before that call";
  }
  return {};
}

/// Of an object's class; repr_str would add where in memory it was compiled.
std::string nameOf(const c10::IValue& object) {
  const auto name = object.toObject()->type()->name();
  return name ? name->qualifiedName() : std::string();
}

}  // namespace

void eachNode(const torch::jit::Module& module, const std::function<void(torch::jit::Node*)>& visit) {
  std::set<const torch::jit::Function*> seen;
  for (const auto& submodule : module.modules()) {
    for (const auto& method : submodule.get_methods()) {
      if (seen.insert(&method.function()).second) eachNodeOf(method.graph()->block(), visit);
    }
  }
}

void refuseUnchangeable(const torch::jit::Module& module, const std::filesystem::path& path) {
  std::string why;
  c10::IValue(module._ivalue()).visit([&](const c10::IValue& value) {
    if (value.isTensor() && value.toTensor().defined()) {
      const auto& tensor = value.toTensor();
      if (tensor.is_quantized())
        why =
            "it holds quantised tensors, whose weights can't be changed one by one; bring the model from before "
            "quantisation";
      else if (tensor.is_mkldnn())
        why = "it holds tensors packed for one processor; bring the model from before torch.jit.optimize_for_inference";
    } else if (value.isObject() && nameOf(value).find("quantized") != std::string::npos) {
      why = nameOf(value) +
            " is quantised: its weights are packed integers that can't be changed one by one; bring the model from "
            "before quantisation";
    }
    return !why.empty();
  });
  eachNode(module, [&](torch::jit::Node* node) {
    if (why.empty()) why = packedOperator(node);
  });
  if (!why.empty()) throw Error(Fault::unsupported, path.string() + ": " + why);
}

void noteTrainingMode(const torch::jit::Module& module, std::vector<std::string>& notes) {
  if (module.hasattr("training") && module.is_training()) {
    notes.push_back(
        "the model was saved in training mode; it runs in evaluation mode here (no dropout, fixed batch norm)");
  }
}

}  // namespace heft
