#include "model/graph_sites.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "model/refusals.hpp"

namespace heft {
namespace {

using torch::jit::Module;
using torch::jit::Node;

struct Operator {
  const char* kind;
  std::vector<std::string> gates;
  bool cell;
};

const Operator* recurrentOperator(const Node* node) {
  static const std::vector<std::string> lstm{"input", "forget", "cell", "output"}, gru{"reset", "update", "new"},
      rnn{"hidden"};
  static const std::map<std::string, Operator> operators{
      {"lstm", {"LSTM", lstm, false}},
      {"lstm_cell", {"LSTM", lstm, true}},
      {"gru", {"GRU", gru, false}},
      {"gru_cell", {"GRU", gru, true}},
      {"rnn_tanh", {"RNN (tanh)", rnn, false}},
      {"rnn_tanh_cell", {"RNN (tanh)", rnn, true}},
      {"rnn_relu", {"RNN (relu)", rnn, false}},
      {"rnn_relu_cell", {"RNN (relu)", rnn, true}},
  };
  if (!node->kind().is_aten()) return nullptr;
  const auto found = operators.find(node->kind().toUnqualString());
  return found == operators.end() ? nullptr : &found->second;
}

/// A whole number or a truth value that the graph holds as a constant.
std::optional<int64_t> constantOf(Node* node, const char* argument) {
  const auto* schema = node->maybeSchema();
  if (schema == nullptr || !schema->argumentIndexWithName(argument)) return std::nullopt;
  const auto value = torch::jit::toIValue(node->namedInput(argument));
  if (!value) return std::nullopt;
  if (value->isBool()) return value->toBool() ? 1 : 0;
  return value->isInt() ? std::optional(value->toInt()) : std::nullopt;
}

void visitBlock(torch::jit::Block* block, std::set<const torch::jit::Graph*>& seen,
                const std::function<void(Node*)>& visit) {
  for (auto* node : block->nodes()) {
    visit(node);
    for (auto* inner : node->blocks()) visitBlock(inner, seen, visit);
    if (node->kind() != c10::prim::CallFunction) continue;
    const auto type = node->input(0)->type()->cast<c10::FunctionType>();
    auto* function = type == nullptr ? nullptr : torch::jit::tryToGraphFunction(*type->function());
    if (function != nullptr && seen.insert(function->graph().get()).second)
      visitBlock(function->graph()->block(), seen, visit);
  }
}

void takeNode(SiteFacts& facts, Node* node, const Operator& op) {
  facts.kind = op.kind;
  facts.recurrent = true;
  facts.gates = op.gates;
  facts.cell = op.cell;
  if (op.cell) {
    facts.layers = facts.directions = 1;
    return;
  }
  if (const auto layers = constantOf(node, "num_layers")) facts.layers = layers;
  if (const auto both = constantOf(node, "bidirectional")) facts.directions = 1 + *both;
  if (const auto first = constantOf(node, "batch_first")) facts.batch_first = *first != 0;
}

void takeShapes(SiteFacts& facts, const Model& model) {
  for (const auto& parameter : model.parameters) {
    if (std::find(facts.parameters.begin(), facts.parameters.end(), parameter.name) == facts.parameters.end()) continue;
    if (parameter.value.dim() != 2) continue;
    const auto leaf = parameter.name.substr(parameter.name.rfind('.') + 1);
    const auto rows = parameter.value.size(0);
    if (facts.recurrent && !facts.inputs && leaf.starts_with("weight_ih")) {
      facts.inputs = parameter.value.size(1);
      facts.outputs = rows / static_cast<int64_t>(facts.gates.size());
    } else if (facts.recurrent && leaf.starts_with("weight_hr")) {
      facts.projection = rows;
    } else if ((facts.kind == "Linear" || facts.kind == "linear") && leaf == "weight") {
      facts.inputs = parameter.value.size(1);
      facts.outputs = rows;
    } else if ((facts.kind == "Embedding" || facts.kind == "embedding") && leaf == "weight") {
      facts.inputs = rows;
      facts.outputs = parameter.value.size(1);
    }
  }
}

/// The first name of the parameter that goes by this name.
std::string firstName(const Model& model, const std::string& name) {
  for (const auto& parameter : model.parameters) {
    if (std::find(parameter.tied.begin(), parameter.tied.end(), name) != parameter.tied.end()) return parameter.name;
  }
  return name;
}

void addModule(std::vector<SiteFacts>& sites, const Model& model, const std::string& name, const Module& module) {
  SiteFacts facts;
  facts.name = name;
  for (const auto& own : module.named_parameters(/*recurse=*/false)) {
    if (own.value.numel() == 0 || !at::isFloatingType(own.value.scalar_type())) continue;
    facts.parameters.push_back(firstName(model, name.empty() ? own.name : name + "." + own.name));
  }
  if (facts.parameters.empty()) return;
  std::set<const torch::jit::Graph*> seen;
  for (const auto& method : module.get_methods()) {
    visitBlock(method.graph()->block(), seen, [&](Node* node) {
      if (const auto* op = recurrentOperator(node)) takeNode(facts, node, *op);
    });
  }
  if (facts.kind.empty()) facts.kind = module.type()->name()->name();
  takeShapes(facts, model);
  sites.push_back(std::move(facts));
}

/// A frozen model has one graph and no modules; its constants are named by the operators that read them.
std::vector<SiteFacts> frozenSites(const Model& model) {
  std::vector<SiteFacts> sites;
  for (const auto& parameter : model.parameters) {
    const auto name = parameter.name.substr(0, parameter.name.rfind('.'));
    if (sites.empty() || sites.back().name != name) {
      sites.emplace_back();
      sites.back().name = name;
      sites.back().kind = name.substr(0, name.find_last_not_of("0123456789") + 1);
    }
    sites.back().parameters.push_back(parameter.name);
  }
  std::map<std::string, int64_t> counts;
  eachNode(model.module, [&](Node* node) {
    const auto* op = recurrentOperator(node);
    if (op == nullptr) return;
    const std::string kind = node->kind().toUnqualString();
    const auto name = kind + std::to_string(counts[kind]++);
    for (auto& site : sites) {
      if (site.name == name) takeNode(site, node, *op);
    }
  });
  for (auto& site : sites) takeShapes(site, model);
  return sites;
}

}  // namespace

std::vector<SiteFacts> graphSites(const Model& model) {
  if (!model.parameters.empty() && model.parameters[0].constant) return frozenSites(model);
  std::vector<SiteFacts> sites;
  for (const auto& named : model.module.named_modules()) addModule(sites, model, named.name, named.value);
  return sites;
}

}  // namespace heft
