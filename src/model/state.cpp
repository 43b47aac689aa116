#include "model/state.hpp"

#include <unordered_set>

namespace heft {
namespace {

bool isContainer(const c10::IValue& value) { return (value.isList() && !value.isTensorList()) || value.isGenericDict(); }

}  // namespace

ModuleState::ModuleState(const torch::jit::Module& module) {
  std::unordered_set<const void*> parameters;
  for (const auto& parameter : module.parameters()) parameters.insert(parameter.unsafeGetTensorImpl());
  std::unordered_set<const void*> seen;
  const auto keep = [&](const c10::IValue& value) {
    value.visit([&](const c10::IValue& inner) {
      if (inner.isTensor() && inner.toTensor().defined()) {
        const auto& tensor = inner.toTensor();
        if (parameters.count(tensor.unsafeGetTensorImpl()) == 0 && seen.insert(tensor.unsafeGetTensorImpl()).second) {
          contents_.push_back({tensor, tensor.detach().clone(), static_cast<int64_t>(tensor._version())});
        }
      }
      return inner.isModule();
    });
  };
  for (const auto& submodule : module.modules()) {
    const auto object = submodule._ivalue();
    const auto type = object->type();
    for (size_t i = 0; i < object->slots().size(); ++i) {
      const auto& value = object->getSlot(i);
      if (type->is_parameter(i) || value.isModule()) continue;
      slots_.push_back({object, i, value, isContainer(value) ? value.deepcopy() : c10::IValue(), {}});
      // The tensors of a list keep their identity, since they may be parameters (`_flat_weights` of a scripted nn.LSTM).
      if (value.isTensorList()) slots_.back().tensors = value.toTensorVector();
      keep(value);
    }
  }
}

void ModuleState::restore() const {
  for (const auto& slot : slots_) {
    slot.object->setSlot(slot.index, slot.content.isNone() ? slot.original : slot.content.deepcopy());
    if (!slot.original.isTensorList()) continue;
    auto list = slot.original.toTensorList();
    list.clear();
    for (const auto& tensor : slot.tensors) list.push_back(tensor);
  }
  for (auto& content : contents_) {
    const auto version = static_cast<int64_t>(content.tensor._version());
    if (version == content.version) continue;
    const at::NoGradGuard no_grad;
    content.tensor.detach_();
    content.tensor.copy_(content.saved);
    content.version = static_cast<int64_t>(content.tensor._version());
  }
}

}  // namespace heft
