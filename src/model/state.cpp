#include "model/state.hpp"

#include <algorithm>
#include <unordered_set>

namespace heft {
namespace {

bool isContainer(const c10::IValue& value) { return value.isList() || value.isGenericDict(); }

/// True when both hold the same: containers element by element, tensors by their numbers.
bool sameContent(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() && b.isTensor()) {
    const auto &one = a.toTensor(), &other = b.toTensor();
    if (!one.defined() || !other.defined()) return one.defined() == other.defined();
    return one.sizes() == other.sizes() && one.scalar_type() == other.scalar_type() && at::equal(one, other);
  }
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  if (a.isList() && b.isList()) {
    const auto some = a.toListRef(), others = b.toListRef();
    return std::equal(some.begin(), some.end(), others.begin(), others.end(), sameContent);
  }
  if (a.isTuple() && b.isTuple()) {
    const auto &some = a.toTupleRef().elements(), &others = b.toTupleRef().elements();
    return std::equal(some.begin(), some.end(), others.begin(), others.end(), sameContent);
  }
  if (a.isGenericDict() && b.isGenericDict()) {
    const auto some = a.toGenericDict(), others = b.toGenericDict();
    return some.size() == others.size() && std::all_of(some.begin(), some.end(), [&](const auto& entry) {
             const auto found = others.find(entry.key());
             return found != others.end() && sameContent(entry.value(), found->value());
           });
  }
  return a.is(b);
}

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
      // Lists of tensors keep their tensors' identity: `_flat_weights` of a scripted nn.LSTM holds the parameters.
      if (value.isTensorList()) lists_.push_back({value.toTensorList(), value.toTensorVector()});
      slots_.push_back(
          {object, i, value, isContainer(value) && !value.isTensorList() ? value.deepcopy() : c10::IValue()});
      keep(value);
    }
  }
}

bool ModuleState::changed() const {
  for (const auto& slot : slots_) {
    const auto& now = slot.object->getSlot(slot.index);
    if (!(slot.content.isNone() ? now.is(slot.original) : sameContent(now, slot.content))) return true;
  }
  for (const auto& list : lists_) {
    const auto now = list.list.vec();
    bool same = now.size() == list.tensors.size();
    for (size_t i = 0; same && i < now.size(); ++i) same = now[i].is_same(list.tensors[i]);
    if (!same) return true;
  }
  return std::any_of(contents_.begin(), contents_.end(),
                     [](const Content& one) { return static_cast<int64_t>(one.tensor._version()) != one.version; });
}

void ModuleState::restore() const {
  for (const auto& slot : slots_) {
    slot.object->setSlot(slot.index, slot.content.isNone() ? slot.original : slot.content.deepcopy());
  }
  for (const auto& list : lists_) {
    auto now = list.list;  // a handle to the same list
    now.clear();
    for (const auto& tensor : list.tensors) now.push_back(tensor);
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
