#include "model/autocast.hpp"

#include <torch/csrc/jit/passes/autocast.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <set>

namespace heft {
namespace {

template <class Visit>
void eachNodeIn(torch::jit::Block* block, const Visit& visit) {
  for (auto* node : block->nodes()) {
    visit(node);
    for (auto* inner : node->blocks()) eachNodeIn(inner, visit);
  }
}

bool entersAutocast(const torch::jit::Node* node) {
  if (node->kind() != c10::prim::Enter) return false;
  const auto type = node->input(0)->type()->cast<c10::ClassType>();
  return type && type->name() && type->name()->qualifiedName().find("autocast") != std::string::npos;
}

/// The small type that an operator is told to give, "" without.
std::string castTo(const torch::jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  if (kind == "aten::half") return "float16";
  if (kind == "aten::bfloat16") return "bfloat16";
  const auto* schema = node->maybeSchema();
  const auto index = schema != nullptr ? schema->argumentIndexWithName("dtype") : std::nullopt;
  if (!index) return "";
  const auto given = torch::jit::toIValue(node->input(static_cast<size_t>(*index)));
  if (!given || !given->isInt()) return "";
  const auto type = static_cast<at::ScalarType>(given->toInt());
  return type == at::kHalf ? "float16" : type == at::kBFloat16 ? "bfloat16" : "";
}

}  // namespace

std::string reducedTypesOf(const torch::jit::Module& module) {
  const auto forward = module.find_method("forward");
  if (!forward) return "";
  const auto graph = forward->graph()->copy();
  torch::jit::Inline(*graph);
  bool autocast = false;
  std::set<std::string> types;
  eachNodeIn(graph->block(), [&](const torch::jit::Node* node) {
    autocast |= entersAutocast(node);
    if (auto type = castTo(node); !type.empty()) types.insert(std::move(type));
  });
  std::string text = autocast ? "autocast blocks" : "";
  for (const auto& type : types) text += (text.empty() ? "" : ", ") + ("casts to " + type);
  return text;
}

void applyAutocast(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph();
  torch::jit::Inline(*graph);
  torch::jit::Autocast(graph);
}

}  // namespace heft
