#include "model/constants.hpp"

#include <map>
#include <set>

#include "model/refusals.hpp"

namespace heft {
namespace {

using torch::jit::Node;
using torch::jit::Value;

/// Arguments that hold state or statistics, not weights.
const std::set<std::string> kNotWeights{"hx",        "running_mean", "running_var", "batch_sizes", "mask",
                                        "attn_mask", "indices",      "index",       "size"};

/// The constant tensors that `value` carries: one, a list of them, or views of one.
std::vector<at::Tensor> constantsIn(const Value* value) {
  std::vector<at::Tensor> tensors;
  const auto take = [&](const c10::IValue& constant) {
    if (constant.isTensor())
      tensors.push_back(constant.toTensor());
    else if (constant.isTensorList())
      tensors = constant.toTensorVector();
  };
  const auto* node = value->node();
  if (node->kind() == c10::prim::Constant) {
    if (const auto constant = torch::jit::toIValue(value)) take(*constant);
  } else if (node->kind() == c10::prim::ListConstruct || node->kind() == c10::aten::t ||
             node->kind() == c10::aten::transpose || node->kind() == c10::aten::unsqueeze ||
             node->kind() == c10::aten::view || node->kind() == c10::aten::expand) {
    for (const auto* input : node->inputs()) {
      const auto inner = constantsIn(input);
      tensors.insert(tensors.end(), inner.begin(), inner.end());
    }
  }
  return tensors;
}

bool isWeight(const at::Tensor& tensor) {
  return tensor.defined() && tensor.dim() >= 1 && tensor.numel() > 0 && tensor.layout() == at::kStrided &&
         at::isFloatingType(tensor.scalar_type());
}

/// Names of the entries of a recurrent operator's list of weights, as nn.LSTM calls them.
std::vector<std::string> listNames(const Node* node, size_t count) {
  const auto number = [&](const char* name, int64_t otherwise) {
    const auto value = torch::jit::toIValue(node->namedInput(name));
    return value && value->isInt() ? value->toInt() : value && value->isBool() ? int64_t{value->toBool()} : otherwise;
  };
  const auto layers = number("num_layers", 1);
  const auto directions = 1 + number("bidirectional", 0);
  const bool biases = number("has_biases", 1) != 0;
  const auto groups = static_cast<size_t>(layers * directions);
  const bool projects = count == groups * (biases ? 5 : 3);
  std::vector<std::string> names;
  for (int64_t layer = 0; layer < layers; ++layer) {
    for (int64_t direction = 0; direction < directions; ++direction) {
      const auto end = "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
      for (const char* role : {"weight_ih", "weight_hh"}) names.push_back(role + end);
      if (biases)
        for (const char* role : {"bias_ih", "bias_hh"}) names.push_back(role + end);
      if (projects) names.push_back("weight_hr" + end);
    }
  }
  return names;
}

std::string argumentName(const std::string& name) {
  static const std::map<std::string, std::string> words{{"w_ih", "weight_ih"}, {"w_hh", "weight_hh"},
                                                        {"b_ih", "bias_ih"},   {"b_hh", "bias_hh"},
                                                        {"mat2", "weight"},    {"self", "left"}};
  const auto found = words.find(name);
  return found == words.end() ? name : found->second;
}

}  // namespace

std::vector<NamedConstant> weightConstants(const torch::jit::Module& module) {
  std::vector<NamedConstant> found;
  std::map<std::string, int64_t> counts;
  eachNode(module, [&](Node* node) {
    const auto* schema = node->maybeSchema();
    if (schema == nullptr || !node->kind().is_aten()) return;
    // A view is read by whoever reads the view.
    if (node->kind() == c10::aten::t || node->kind() == c10::aten::transpose || node->kind() == c10::aten::unsqueeze ||
        node->kind() == c10::aten::view || node->kind() == c10::aten::expand)
      return;
    const std::string kind = node->kind().toUnqualString();
    const auto site = kind + std::to_string(counts[kind]);
    bool any = false;
    for (size_t i = 0; i < node->inputs().size() && i < schema->arguments().size(); ++i) {
      const auto& argument = schema->arguments()[i].name();
      if (kNotWeights.count(argument) != 0) continue;
      const auto tensors = constantsIn(node->inputs()[i]);
      const bool list = argument == "params";
      const auto names = list ? listNames(node, tensors.size()) : std::vector<std::string>();
      for (size_t j = 0; j < tensors.size(); ++j) {
        if (!isWeight(tensors[j])) continue;
        const auto name =
            j < names.size() ? names[j] : argumentName(argument) + (tensors.size() > 1 ? std::to_string(j) : "");
        found.push_back({site + "." + name, tensors[j]});
        any = true;
      }
    }
    if (any) ++counts[kind];
  });
  return found;
}

std::vector<at::Tensor> heldTensors(Model& model) {
  std::vector<at::Tensor> tensors;
  const auto take = [&](const c10::IValue& value) {
    if (!value.isTensor() || !value.toTensor().defined() || !value.toTensor().has_storage()) return false;
    tensors.push_back(value.toTensor());
    if (!model.native && isSmallFloat(value.toTensor().scalar_type()))
      tensors.push_back(model.promoter.twin(value.toTensor()));
    return false;
  };
  c10::IValue(model.module._ivalue()).visit(take);
  eachNode(model.module, [&](Node* node) {
    if (node->kind() != c10::prim::Constant || node->outputs().size() != 1) return;
    if (const auto constant = torch::jit::toIValue(node->output())) constant->visit(take);
  });
  return tensors;
}

}  // namespace heft
