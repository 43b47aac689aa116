#include "data/inputs.hpp"

#include <ATen/ATen.h>

#include <map>
#include <sstream>

#include "data/hash.hpp"
#include "data/npy.hpp"
#include "data/safetensors.hpp"
#include "data/saved_values.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// What one file gives: values in order, or values by name.
struct Given {
  std::vector<c10::IValue> ordered;
  std::map<std::string, c10::IValue> named;
};

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::input, what); }

at::ScalarType scalarType(Scalar scalar) {
  switch (scalar) {
    case Scalar::boolean:
      return at::kBool;
    case Scalar::u8:
      return at::kByte;
    case Scalar::i8:
      return at::kChar;
    case Scalar::i16:
      return at::kShort;
    case Scalar::i32:
      return at::kInt;
    case Scalar::i64:
      return at::kLong;
    case Scalar::f16:
      return at::kHalf;
    case Scalar::bf16:
      return at::kBFloat16;
    case Scalar::f32:
      return at::kFloat;
    case Scalar::f64:
      return at::kDouble;
  }
  throw Error(Fault::internal, "an element type without a LibTorch twin");
}

at::Tensor toTensor(const StoredTensor& stored) {
  auto tensor = at::empty(stored.shape, at::TensorOptions().dtype(scalarType(stored.scalar)));
  if (!stored.bytes.empty()) std::memcpy(tensor.data_ptr(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

c10::IValue toValue(const SavedValue& saved);

std::vector<c10::IValue> toValues(const std::vector<SavedValue>& saved) {
  std::vector<c10::IValue> values;
  for (const auto& one : saved) values.push_back(toValue(one));
  return values;
}

c10::IValue toValue(const SavedValue& saved) {
  struct Convert {
    c10::IValue operator()(std::monostate) const { return {}; }
    c10::IValue operator()(bool value) const { return value; }
    c10::IValue operator()(int64_t value) const { return value; }
    c10::IValue operator()(double value) const { return value; }
    c10::IValue operator()(const std::string& value) const { return value; }
    c10::IValue operator()(const std::shared_ptr<const StoredTensor>& value) const { return toTensor(*value); }
    c10::IValue operator()(const SavedTuple& value) const { return c10::ivalue::Tuple::create(toValues(value.items)); }
    c10::IValue operator()(const SavedList& value) const {
      c10::impl::GenericList list(c10::AnyType::get());
      for (const auto& item : value.items) list.push_back(toValue(item));
      return list;
    }
    c10::IValue operator()(const SavedDict& value) const {
      c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
      for (size_t i = 0; i < value.keys.size(); ++i)
        dict.insert_or_assign(toValue(value.keys[i]), toValue(value.values[i]));
      return dict;
    }
  };
  return std::visit(Convert(), saved.value);
}

Given fromSaved(const SavedValue& saved, const std::string& file) {
  Given given;
  if (const auto* tuple = std::get_if<SavedTuple>(&saved.value)) {
    given.ordered = toValues(tuple->items);
  } else if (const auto* list = std::get_if<SavedList>(&saved.value)) {
    given.ordered = toValues(list->items);
  } else if (const auto* dict = std::get_if<SavedDict>(&saved.value)) {
    for (size_t i = 0; i < dict->keys.size(); ++i) {
      const auto* name = std::get_if<std::string>(&dict->keys[i].value);
      if (name == nullptr) refuse(file + ": holds a dict whose keys are not argument names");
      given.named[*name] = toValue(dict->values[i]);
    }
  } else {
    given.ordered.push_back(toValue(saved));
  }
  return given;
}

Given fromStored(const std::vector<StoredTensor>& tensors) {
  Given given;
  for (const auto& tensor : tensors) given.named[tensor.name] = toTensor(tensor);
  return given;
}

Given readFile(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) refuse(file.string() + ": no such file; inputs were expected");
  if (std::filesystem::is_directory(file, ignored))
    refuse(file.string() + ": is a folder; a file of inputs was expected");
  const auto kind = file.extension();
  if (kind == ".safetensors") return fromStored(readSafetensors(file).tensors);
  if (kind == ".npz") return fromStored(readNpz(file));
  if (kind == ".npy") return Given{{toTensor(readNpy(file))}, {}};
  if (kind == ".pt" || kind == ".pth") return fromSaved(readSaved(file), file.string());
  refuse(file.string() + ": inputs of kind '" + kind.string() +
         "' are unknown; .pt, .safetensors, .npy and .npz are read");
}

std::string describe(const c10::IValue& value) {
  if (!value.isTensor()) return value.tagKind();
  std::ostringstream text;
  text << c10::toString(value.toTensor().scalar_type()) << value.toTensor().sizes();
  return text.str();
}

void checkFinite(const at::Tensor& tensor, const std::string& name) {
  const auto bad = at::isfinite(tensor).logical_not().sum().item<int64_t>();
  if (bad > 0) {
    refuse("input '" + name + "' holds " + std::to_string(bad) +
           " values that are NaN or infinite; finite values were expected");
  }
}

/// Gives a value the type that forward's argument has.
c10::IValue fit(const c10::IValue& value, const c10::Argument& argument, c10::Device device, bool native) {
  const auto& type = argument.type();
  if (value.isTensor()) {
    auto tensor = value.toTensor();
    const auto number = [&](const char* kind) {
      if (tensor.numel() != 1)
        refuse("argument '" + argument.name() + "' is one " + kind + ", but " + describe(value) + " was given");
    };
    if (type->kind() == c10::TypeKind::IntType) return number("int"), c10::IValue(tensor.item<int64_t>());
    if (type->kind() == c10::TypeKind::BoolType) return number("bool"), c10::IValue(tensor.item<bool>());
    if (type->kind() == c10::TypeKind::FloatType) return number("float"), c10::IValue(tensor.item<double>());
    if (type->kind() == c10::TypeKind::ListType)
      refuse("argument '" + argument.name() + "' is a list of tensors, but one tensor was given");
    if (tensor.numel() == 0)
      refuse("input '" + argument.name() + "' is empty: its shape is " + describe(value) +
             "; at least one sample was expected");
    tensor = tensor.to(device).detach().contiguous();
    if (!at::isFloatingType(tensor.scalar_type())) return tensor;
    checkFinite(tensor, argument.name());
    return native ? tensor : tensor.to(at::kDouble);
  }
  if (value.isList() && type->kind() == c10::TypeKind::ListType &&
      type->castRaw<c10::ListType>()->getElementType()->isSubtypeOf(*c10::TensorType::get())) {
    c10::List<at::Tensor> tensors;
    const c10::Argument element(argument.name(), c10::TensorType::get());
    for (const auto& one : value.toListRef()) tensors.push_back(fit(one, element, device, native).toTensor());
    return tensors;
  }
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& one : value.toTupleRef().elements()) {
      elements.push_back(
          one.isTensor() ? fit(one, c10::Argument(argument.name(), c10::TensorType::get()), device, native) : one);
    }
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isInt() && type->kind() == c10::TypeKind::FloatType) return static_cast<double>(value.toInt());
  return value;
}

std::string plural(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

std::string describeArguments(const c10::FunctionSchema& forward) {
  std::ostringstream text;
  const auto& arguments = forward.arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    text << (i == 1 ? "" : ", ") << arguments[i].name() << ": " << arguments[i].type()->repr_str();
    if (arguments[i].default_value()) text << " = " << *arguments[i].default_value();
  }
  return text.str();
}

Inputs readInputs(const std::vector<std::filesystem::path>& files, const c10::FunctionSchema& forward,
                  c10::Device device, bool native) {
  std::vector<c10::IValue> ordered;
  std::map<std::string, c10::IValue> named;
  Inputs inputs;
  for (const auto& file : files) {
    auto given = readFile(file);
    ordered.insert(ordered.end(), given.ordered.begin(), given.ordered.end());
    named.merge(given.named);
  }
  inputs.sha256 = sha256Files(files);

  const auto& arguments = forward.arguments();
  const auto expected = " (forward expects: " + describeArguments(forward) + ")";
  std::map<std::string, size_t> places;
  for (size_t i = 1; i < arguments.size(); ++i) places[arguments[i].name()] = i;
  for (auto entry = named.begin(); entry != named.end();) {
    if (places.count(entry->first) == 0) {
      // One unnamed array in a file that must name it, or numbered ones: in order.
      const bool only = named.size() == 1 && ordered.empty();
      const bool numbered = entry->first.starts_with("arr_");
      if (!only && !numbered) refuse("input '" + entry->first + "' is no argument of forward" + expected);
      ordered.push_back(entry->second);
      entry = named.erase(entry);
    } else {
      ++entry;
    }
  }
  if (ordered.size() + named.size() > arguments.size() - 1) {
    refuse(plural(ordered.size() + named.size(), "input") + " given, but forward takes " +
           std::to_string(arguments.size() - 1) + expected);
  }
  size_t next = 0;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    c10::IValue value;
    if (const auto entry = named.find(argument.name()); entry != named.end()) {
      value = entry->second;
    } else if (next < ordered.size()) {
      value = ordered[next++];
    } else if (argument.default_value()) {
      inputs.values.push_back(*argument.default_value());
      inputs.names.push_back(argument.name());
      continue;
    } else {
      refuse("input '" + argument.name() + "' is missing: " + plural(ordered.size() + named.size(), "input") +
             " given" + expected);
    }
    auto fitted = fit(value, argument, device, native);
    if (!fitted.type()->isSubtypeOf(*argument.type()) && argument.type()->kind() != c10::TypeKind::AnyType) {
      refuse("input '" + argument.name() + "' is " + describe(value) + ", but forward expects " +
             argument.type()->repr_str());
    }
    inputs.values.push_back(std::move(fitted));
    inputs.names.push_back(argument.name());
  }
  if (inputs.values.empty()) refuse("forward takes no inputs, so there is nothing to measure on");
  return inputs;
}

at::Tensor readTargets(const std::filesystem::path& file) {
  auto given = readFile(file);
  std::vector<c10::IValue> values = given.ordered;
  for (const auto& entry : given.named) values.push_back(entry.second);
  if (values.size() != 1 || !values[0].isTensor()) {
    refuse(file.string() + ": " + plural(values.size(), "value") + " found; one tensor of targets was expected");
  }
  const auto target = values[0].toTensor();
  if (target.numel() == 0) refuse(file.string() + ": the targets are empty");
  return at::isFloatingType(target.scalar_type()) ? target.to(at::kDouble) : target.to(at::kLong);
}

}  // namespace heft
