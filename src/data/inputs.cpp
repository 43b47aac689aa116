#include "data/inputs.hpp"

#include <ATen/ATen.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "data/hash.hpp"
#include "data/npy.hpp"
#include "data/safetensors.hpp"
#include "data/saved_values.hpp"
#include "data/stored_types.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// What one file gives: values in order, or values by name.
struct Given {
  std::vector<c10::IValue> ordered;
  std::map<std::string, c10::IValue> named;
  c10::IValue whole{};     ///< all of it, as one list, tuple or dict; none for one tensor
  std::string unusable{};  ///< why it can't be taken apart into arguments; empty where it can
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
    case Scalar::c64:
      return at::kComplexFloat;
    case Scalar::c128:
      return at::kComplexDouble;
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
      if (name == nullptr)
        given.unusable = file + ": holds a dict whose keys are not argument names";
      else
        given.named[*name] = toValue(dict->values[i]);
    }
  } else {
    given.ordered.push_back(toValue(saved));
    return given;
  }
  given.whole = toValue(saved);
  return given;
}

Given fromStored(const std::vector<StoredTensor>& tensors) {
  Given given;
  c10::impl::GenericDict whole(c10::AnyType::get(), c10::AnyType::get());
  for (const auto& tensor : tensors) {
    given.named[tensor.name] = toTensor(tensor);
    whole.insert_or_assign(tensor.name, given.named[tensor.name]);
  }
  given.whole = whole;
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
  if (kind == ".npy") return Given{{toTensor(readNpy(file))}, {}, {}, {}};
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

/// Gives values the types that forward's argument has.
class Fitter {
 public:
  Fitter(std::string argument, c10::Device device, bool native)
      : argument_(std::move(argument)), device_(device), native_(native) {}

  c10::IValue fit(const c10::IValue& value, const c10::TypePtr& wanted) {
    const auto type = inside(wanted);
    if (value.isTensor()) return fitTensor(value.toTensor(), type);
    if (value.isList() || value.isTuple()) return fitSequence(value, type);
    if (value.isGenericDict()) return fitDict(value, type);
    if (value.isInt() && type->kind() == c10::TypeKind::FloatType) return static_cast<double>(value.toInt());
    return value;
  }

  /// What the tensors were.
  [[nodiscard]] const std::vector<c10::ScalarType>& stored() const { return stored_; }

 private:
  /// The type inside an optional one.
  static c10::TypePtr inside(const c10::TypePtr& type) {
    const auto optional = type->cast<c10::OptionalType>();
    return optional ? optional->getElementType() : type;
  }

  c10::IValue fitTensor(at::Tensor tensor, const c10::TypePtr& type) {
    const auto number = [&](const char* kind) {
      if (tensor.numel() != 1)
        refuse("argument '" + argument_ + "' is one " + kind + ", but " + describe(tensor) + " was given");
    };
    if (type->kind() == c10::TypeKind::IntType) return number("int"), c10::IValue(tensor.item<int64_t>());
    if (type->kind() == c10::TypeKind::BoolType) return number("bool"), c10::IValue(tensor.item<bool>());
    if (type->kind() == c10::TypeKind::FloatType) return number("float"), c10::IValue(tensor.item<double>());
    if (type->kind() == c10::TypeKind::ListType)
      refuse("argument '" + argument_ + "' is a list of tensors, but one tensor was given");
    if (tensor.numel() == 0)
      refuse("input '" + argument_ + "' is empty: its shape is " + describe(tensor) +
             "; at least one sample was expected");
    stored_.push_back(tensor.scalar_type());
    tensor = tensor.to(device_).detach().contiguous();
    const bool complex = tensor.is_complex();
    if (!at::isFloatingType(tensor.scalar_type()) && !complex) return tensor;
    checkFinite(tensor, argument_);
    return native_ ? tensor : tensor.to(complex ? at::kComplexDouble : at::kDouble);
  }

  c10::IValue fitSequence(const c10::IValue& value, const c10::TypePtr& type) {
    const auto given = value.isTuple() ? value.toTupleRef().elements().vec() : value.toListRef().vec();
    std::vector<c10::IValue> fitted;
    if (const auto list = type->cast<c10::ListType>()) {
      const auto element = list->getElementType();
      c10::impl::GenericList values(element);
      for (const auto& one : given) {
        auto now = fit(one, element);
        if (!now.type()->isSubtypeOf(*element)) return value;  // the caller says what was expected
        values.push_back(std::move(now));
      }
      return values;
    }
    const auto tuple = type->cast<c10::TupleType>();
    const bool known = tuple && tuple->elements().size() == given.size();
    for (size_t i = 0; i < given.size(); ++i)
      fitted.push_back(fit(given[i], known ? tuple->elements()[i] : c10::TypePtr(c10::AnyType::get())));
    if (!known && !value.isTuple()) return value;
    return tuple && tuple->schema() && known ? c10::ivalue::Tuple::createNamed(std::move(fitted), tuple)
                                             : c10::ivalue::Tuple::create(std::move(fitted));
  }

  c10::IValue fitDict(const c10::IValue& value, const c10::TypePtr& type) {
    const auto dict = type->cast<c10::DictType>();
    if (!dict) return value;
    c10::impl::GenericDict fitted(dict->getKeyType(), dict->getValueType());
    for (const auto& entry : value.toGenericDict()) {
      auto now = fit(entry.value(), dict->getValueType());
      if (!now.type()->isSubtypeOf(*dict->getValueType()) || !entry.key().type()->isSubtypeOf(*dict->getKeyType()))
        return value;
      fitted.insert(entry.key(), std::move(now));
    }
    return fitted;
  }

  std::string argument_;
  c10::Device device_;
  bool native_;
  std::vector<c10::ScalarType> stored_;
};

/// Whether what one file gives is the first argument itself: forward takes a list, tuple or dict there, nothing else that must be
/// given, and the file's members are no arguments.
bool isArgument(const Given& given, const c10::FunctionSchema& forward) {
  const auto& arguments = forward.arguments();
  if (arguments.size() < 2 || given.whole.isNone()) return false;
  for (size_t i = 2; i < arguments.size(); ++i) {
    if (!arguments[i].default_value()) return false;
  }
  auto type = arguments[1].type();
  if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  const auto kind = type->kind();
  if (given.whole.isGenericDict())
    return kind == c10::TypeKind::DictType && given.named.count(arguments[1].name()) == 0;
  if (kind != c10::TypeKind::ListType && kind != c10::TypeKind::TupleType) return false;
  // Members of the argument, unless the file is a tuple of arguments that begins with it.
  return given.ordered.empty() || !(given.ordered[0].isList() || given.ordered[0].isTuple()) ||
         (kind == c10::TypeKind::ListType &&
          type->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::ListType);
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

namespace {

/// What all files give together.
Given readFiles(const std::vector<std::filesystem::path>& files, const c10::FunctionSchema& forward) {
  Given all;
  for (const auto& file : files) {
    auto given = readFile(file);
    if (files.size() == 1 && isArgument(given, forward)) given = Given{{given.whole}, {}, {}, {}};
    if (!given.unusable.empty()) refuse(given.unusable);
    all.ordered.insert(all.ordered.end(), given.ordered.begin(), given.ordered.end());
    all.named.merge(given.named);
  }
  return all;
}

std::string whatForwardExpects(const c10::FunctionSchema& forward) {
  return " (forward expects: " + describeArguments(forward) + ")";
}

/// Takes values whose names are no arguments' as the next ones in order, where their names say nothing: one unnamed
/// array in a file that must name it, or numbered ones.
void takeUnnamedInOrder(Given& given, const c10::FunctionSchema& forward) {
  const auto& arguments = forward.arguments();
  std::set<std::string> known;
  for (size_t i = 1; i < arguments.size(); ++i) known.insert(arguments[i].name());
  for (auto entry = given.named.begin(); entry != given.named.end();) {
    if (known.count(entry->first) > 0) {
      ++entry;
      continue;
    }
    const bool only = given.named.size() == 1 && given.ordered.empty();
    const bool numbered = entry->first.starts_with("arr_");
    if (!only && !numbered) {
      refuse("input '" + entry->first + "' is no argument of forward" + whatForwardExpects(forward));
    }
    given.ordered.push_back(entry->second);
    entry = given.named.erase(entry);
  }
}

/// The value that an argument gets, by its name or as the `next` in order; nothing where forward's default is to be
/// taken.
std::optional<c10::IValue> valueFor(const c10::Argument& argument, const Given& given, size_t& next,
                                    const c10::FunctionSchema& forward) {
  if (const auto entry = given.named.find(argument.name()); entry != given.named.end()) return entry->second;
  if (next < given.ordered.size()) return given.ordered[next++];
  if (argument.default_value()) return std::nullopt;
  refuse("input '" + argument.name() + "' is missing: " + plural(given.ordered.size() + given.named.size(), "input") +
         " given" + whatForwardExpects(forward));
}

/// `stored` receives by argument what its tensors were in the files.
Inputs readArguments(const std::vector<std::filesystem::path>& files, const c10::FunctionSchema& forward,
                     c10::Device device, bool native, std::vector<std::vector<c10::ScalarType>>& stored) {
  Inputs inputs;
  auto given = readFiles(files, forward);
  inputs.sha256 = sha256Files(files);
  takeUnnamedInOrder(given, forward);
  const auto& arguments = forward.arguments();
  const auto count = given.ordered.size() + given.named.size();
  if (count > arguments.size() - 1) {
    refuse(plural(count, "input") + " given, but forward takes " + std::to_string(arguments.size() - 1) +
           whatForwardExpects(forward));
  }
  size_t next = 0;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    inputs.names.push_back(argument.name());
    const auto value = valueFor(argument, given, next, forward);
    if (!value) {
      inputs.values.push_back(*argument.default_value());
      stored.emplace_back();
      continue;
    }
    Fitter fitter(argument.name(), device, native);
    auto fitted = fitter.fit(*value, argument.type());
    if (!fitted.type()->isSubtypeOf(*argument.type()) && argument.type()->kind() != c10::TypeKind::AnyType) {
      refuse("input '" + argument.name() + "' is " + describe(*value) + ", but forward expects " +
             argument.type()->repr_str());
    }
    inputs.values.push_back(std::move(fitted));
    stored.push_back(fitter.stored());
  }
  if (inputs.values.empty()) refuse("forward takes no inputs, so there is nothing to measure on");
  return inputs;
}

}  // namespace

Inputs readInputs(const std::vector<std::filesystem::path>& files, const c10::FunctionSchema& forward,
                  c10::Device device, bool native) {
  std::vector<std::vector<c10::ScalarType>> stored;
  return readArguments(files, forward, device, native, stored);
}

std::vector<std::vector<c10::ScalarType>> storedTypes(const std::vector<std::filesystem::path>& files,
                                                      const c10::FunctionSchema& forward) {
  std::vector<std::vector<c10::ScalarType>> stored;
  (void)readArguments(files, forward, c10::kCPU, /*native=*/true, stored);
  return stored;
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
  if (target.is_complex()) return target.to(at::kComplexDouble);
  return at::isFloatingType(target.scalar_type()) ? target.to(at::kDouble) : target.to(at::kLong);
}

}  // namespace heft
