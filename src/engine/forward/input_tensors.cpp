#include "engine/forward/input_tensors.hpp"

#include <ATen/ATen.h>

#include <sstream>

namespace heft {
namespace {

std::string keyText(const c10::IValue& key) {
  if (key.isString()) return key.toStringRef();
  std::ostringstream text;
  text << key;
  return text.str();
}

/// A map that knows where a tensor stands too.
using NamedMap = std::function<at::Tensor(const at::Tensor&, const std::string& path)>;

c10::IValue mapOne(const c10::IValue& value, const std::string& path, const NamedMap& map) {
  const auto inside = [&](size_t i) { return path + "." + std::to_string(i); };
  if (value.isTensor()) return value.toTensor().defined() ? c10::IValue(map(value.toTensor(), path)) : value;
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements())
      elements.push_back(mapOne(element, inside(elements.size()), map));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const auto& tensor : value.toTensorVector()) list.push_back(map(tensor, inside(list.size())));
    return list;
  }
  if (value.isList()) {
    const auto given = value.toList();
    c10::impl::GenericList list(given.elementType());
    for (const c10::IValue& element : value.toListRef()) list.push_back(mapOne(element, inside(list.size()), map));
    return list;
  }
  if (value.isGenericDict()) {
    const auto given = value.toGenericDict();
    c10::impl::GenericDict dict(given.keyType(), given.valueType());
    for (const auto& entry : given)
      dict.insert(entry.key(), mapOne(entry.value(), path + "." + keyText(entry.key()), map));
    return dict;
  }
  return value;
}

}  // namespace

std::vector<c10::IValue> mapTensors(const std::vector<c10::IValue>& values, const TensorMap& map) {
  std::vector<c10::IValue> mapped;
  size_t index = 0;
  const auto counted = [&](const at::Tensor& tensor, const std::string&) { return map(tensor, index++); };
  for (const auto& value : values) mapped.push_back(mapOne(value, "", counted));
  return mapped;
}

std::vector<at::Tensor> inputTensors(const std::vector<c10::IValue>& values) {
  std::vector<at::Tensor> tensors;
  mapTensors(values, [&](const at::Tensor& tensor, size_t) {
    tensors.push_back(tensor);
    return tensor;
  });
  return tensors;
}

std::vector<std::string> inputTensorNames(const Inputs& inputs) {
  std::vector<std::string> names;
  for (size_t i = 0; i < inputs.values.size(); ++i) {
    mapOne(inputs.values[i], inputs.names[i], [&](const at::Tensor& tensor, const std::string& path) {
      names.push_back(path);
      return tensor;
    });
  }
  return names;
}

}  // namespace heft
