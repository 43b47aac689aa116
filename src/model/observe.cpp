#include "model/observe.hpp"

#include <torch/csrc/jit/runtime/custom_operator.h>

#include <vector>

#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "model/refusals.hpp"

namespace heft {
namespace {

thread_local const void* observed_module = nullptr;
thread_local std::vector<c10::IValue> observed_values;

void observe(torch::jit::Stack& stack) {
  const auto value = torch::jit::pop(stack);
  const auto module = torch::jit::pop(stack);
  if (module.isObject() && module.toObjectRef().slots().data() == observed_module) observed_values.push_back(value);
}

const torch::jit::RegisterOperators registered({torch::jit::Operator(
    "heft::observe(Any module, Any value) -> ()", [](torch::jit::Stack& stack) { observe(stack); },
    c10::AliasAnalysisKind::CONSERVATIVE)});

const void* identity(const c10::IValue& module) { return module.toObjectRef().slots().data(); }

}  // namespace

c10::IValue observeModule(const torch::jit::Module& module, const std::string& name) {
  c10::IValue target;
  std::string known;
  for (const auto& named : module.named_modules()) {
    if (named.name.empty()) continue;
    if (named.name == name) target = named.value._ivalue();
    known += (known.empty() ? "" : ", ") + named.name;
  }
  if (target.isNone()) {
    throw Error(Fault::usage,
                "no submodule is called " + name + "; there " +
                    (known.empty() ? "are none (a frozen model has lost its submodules)" : "are: " + known));
  }
  std::vector<torch::jit::Node*> calls;
  eachNode(module, [&](torch::jit::Node* node) {
    // What a module calls on itself (nn.LSTM's permute_hidden) is not what it returns.
    if (node->kind() == c10::prim::CallMethod && node->outputs().size() == 1 &&
        node->input(0) != node->owningGraph()->inputs().at(0) &&
        node->input(0)->type()->cast<c10::ClassType>() == target.type()->cast<c10::ClassType>()) {
      calls.push_back(node);
    }
  });
  for (auto* call : calls) {
    auto* graph = call->owningGraph();
    const torch::jit::WithInsertPoint point(call->next());
    graph->insertNode(graph->create(c10::Symbol::fromQualString("heft::observe"), {call->input(0), call->output()}, 0));
  }
  return target;
}

ObserveScope::ObserveScope(const c10::IValue& module) {
  observed_module = identity(module);
  observed_values.clear();
}

ObserveScope::~ObserveScope() {
  observed_module = nullptr;
  observed_values.clear();
}

c10::IValue ObserveScope::seen() const {
  if (observed_values.empty()) {
    throw Error(Fault::unsupported,
                "forward never called the submodule that " + settingName("output-target") + " names");
  }
  if (observed_values.size() == 1) return observed_values[0];
  return c10::ivalue::Tuple::create(observed_values);  // called several times a run: each call is scored
}

}  // namespace heft
