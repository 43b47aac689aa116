#include "data/inputs.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "data/hash.hpp"
#include "data/input_file.hpp"
#include "data/memory.hpp"
#include "data/npy.hpp"
#include "data/safetensors.hpp"
#include "data/tensor_file.hpp"
#include "data/zip.hpp"
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

/// LibTorch reads members without a look at their checksums.
void checkChecksums(const std::filesystem::path& file) {
  const auto archive = InputFile::open(file);
  for (const auto& member : listZip(archive)) (void)readZipMember(archive, member);
}

Given readPickle(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), {});
  if (!stream && bytes.empty()) refuse(file.string() + ": can't be read");
  if (bytes.size() < 2 || bytes[0] != 'P' || bytes[1] != 'K') {
    refuse(file.string() +
           ": is not what torch.save writes (a zip archive); save a tensor, a tuple or a dict of tensors");
  }
  checkChecksums(file);
  c10::IValue value;
  try {
    value = torch::jit::pickle_load(bytes);
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;
    refuse(file.string() +
           ": can't be read as tensors; save a tensor, a tuple, a list or a dict of tensors with torch.save");
  }
  Given given;
  if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) given.ordered.push_back(element);
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) given.ordered.push_back(element);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString()) refuse(file.string() + ": holds a dict whose keys are not argument names");
      given.named[entry.key().toStringRef()] = entry.value();
    }
  } else {
    given.ordered.push_back(value);
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
  if (kind == ".pt" || kind == ".pth") return readPickle(file);
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
