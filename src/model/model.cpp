#include "model/model.hpp"

#include <map>
#include <set>
#include <unordered_set>

#include "data/hash.hpp"
#include "data/memory.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"
#include "model/constants.hpp"
#include "model/plain_data.hpp"
#include "model/refusals.hpp"
#include "model/widened.hpp"

namespace heft {
namespace {

/// What loading takes at its peak: the file's values and their float64 twins, side by side.
double neededToLoad(const std::filesystem::path& path, bool native) {
  return static_cast<double>(std::filesystem::file_size(path)) * (native ? 1 : 3);
}

std::string tooLarge(const std::filesystem::path& path, bool native, const std::string& found) {
  return path.string() + ": the model alone needs about " + bytesInWords(neededToLoad(path, native)) +
         " of memory to load" + (native ? "" : " (its weights stand in float64 here)") + ", " + found +
         "; bring a smaller model, or a machine with more";
}

void checkRoom(const std::filesystem::path& path, bool native) {
  const auto left = freeMemory();
  if (left && neededToLoad(path, native) > *left)
    throw Error(Fault::memory, tooLarge(path, native, "and " + bytesInWords(*left) + " are free"));
}

torch::jit::Module readModule(const std::filesystem::path& path, c10::Device device) {
  try {
    return torch::jit::load(path.string(), device);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& failure) {
    const std::string why = firstLine(failure.what());
    if (saysOutOfMemory(failure.what()))
      throw Error(Fault::memory, tooLarge(path, false, "which is more than there is (" + why + ")"));
    // Constants that were packed for one processor are not in the file.
    if (why.find("required keyword attribute 'value' is undefined") != std::string::npos) {
      throw Error(Fault::unsupported, path.string() +
                                          ": holds constants that can't be read back (packed by "
                                          "torch.jit.optimize_for_inference); bring the model from before that call");
    }
    throw Error(Fault::model, path.string() + ": can't be loaded as TorchScript: " + why);
  }
}

/// Each tensor that the module holds, in attributes, lists and tuples alike, once.
std::vector<at::Tensor> allTensors(const torch::jit::Module& module) {
  std::vector<at::Tensor> tensors;
  std::unordered_set<const void*> seen;
  c10::IValue(module._ivalue()).visit([&](const c10::IValue& value) {
    if (value.isTensor() && value.toTensor().defined() && seen.insert(value.toTensor().unsafeGetTensorImpl()).second) {
      tensors.push_back(value.toTensor());
    }
    return false;
  });
  return tensors;
}

/// Puts float64 values under every tensor that the module holds; tensors that shared memory go on sharing it.
void convertToDouble(const torch::jit::Module& module, c10::Device device) {
  std::map<const void*, at::Tensor> converted;
  std::vector<at::Tensor> originals;  // keeps the storages alive while their addresses are keys
  for (auto& tensor : allTensors(module)) {
    if (!isSmallFloat(tensor.scalar_type()) || tensor.layout() != at::kStrided) continue;
    originals.push_back(tensor.detach());
    const void* key = tensor.storage().data();
    at::Tensor value;
    if (key == nullptr) {
      value = tensor.detach().to(widened(tensor.scalar_type()));
    } else {
      auto found = converted.find(key);
      if (found == converted.end()) found = converted.emplace(key, wholeStorageAsDouble(tensor.detach(), device)).first;
      value = found->second.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset());
    }
    tensor.set_data(value);
  }
}

/// Parameters that lie turned or spread in memory that is theirs alone are laid out in order: what forward computes is the same, and
/// whoever changes or follows a weight need not know how its matrix was laid down.
void straightenParameters(const torch::jit::Module& module) {
  std::map<const void*, int> holders;
  for (const auto& tensor : allTensors(module)) {
    if (tensor.has_storage()) ++holders[tensor.storage().data()];
  }
  for (const auto& named : module.named_parameters()) {
    auto value = named.value;
    if (value.layout() != at::kStrided || value.is_contiguous() || holders[value.storage().data()] != 1) continue;
    value.set_data(value.detach().contiguous());
  }
}

bool sameMemory(const at::Tensor& a, const at::Tensor& b) {
  return a.storage().data() == b.storage().data() && a.storage_offset() == b.storage_offset() && a.sizes() == b.sizes();
}

/// Adds a parameter, or a further name of one that is there already.
void addParameter(Model& model, Parameter parameter) {
  for (auto& known : model.parameters) {
    if (sameMemory(known.value, parameter.value)) {
      if (!parameter.constant) known.tied.push_back(parameter.name);
      return;
    }
  }
  model.parameters.push_back(std::move(parameter));
}

void listParameters(Model& model, const std::map<std::string, at::ScalarType>& stored) {
  for (const auto& named : model.module.named_parameters()) {
    if (named.value.numel() == 0 || !at::isFloatingType(named.value.scalar_type())) continue;
    addParameter(model, {named.name, {}, named.value, stored.at(named.name), false});
  }
  if (model.parameters.empty()) {
    for (const auto& constant : weightConstants(model.module)) {
      const auto type = constant.value.scalar_type();
      // Small floats are read through their float64 twin, so that is what a change must reach.
      const bool twin = !model.native && isSmallFloat(type);
      addParameter(model, {constant.name, {}, twin ? model.promoter.twin(constant.value) : constant.value, type, true});
    }
    if (!model.parameters.empty()) {
      model.notes.push_back(
          "the model is frozen: its weights are constants, named here by the operator that reads them (" +
          model.parameters[0].name + ", …)");
    }
  }
  for (const auto& named : model.module.named_parameters()) {
    if (!named.value.is_complex() || named.value.numel() == 0) continue;
    model.notes.push_back(
        named.name + " holds " + std::to_string(named.value.numel()) +
        " complex weights, which are not ranked: a real number is changed at a time; parameters for the real "
        "and the imaginary part, joined by torch.complex in forward, are");
  }
  for (const auto& parameter : model.parameters) {
    if (parameter.tied.empty()) continue;
    std::string names = parameter.name;
    for (const auto& name : parameter.tied) names += " = " + name;
    model.notes.push_back("tied weights are changed together: " + names);
  }
  for (const auto& named : model.module.named_buffers()) {
    model.buffers.push_back({named.name, named.value, stored.at(named.name)});
  }
}

void checkFinite(const Model& model) {
  for (const auto& parameter : model.parameters) {
    const auto bad = at::isfinite(parameter.value).logical_not().sum().item<int64_t>();
    if (bad > 0) {
      throw Error(Fault::model, model.path.string() + ": " + parameter.name + " holds " + std::to_string(bad) +
                                    (bad == 1 ? " weight that is" : " weights that are") +
                                    " NaN or infinite; finite weights were expected");
    }
  }
}

}  // namespace

Model loadModel(const std::filesystem::path& path, const LoadOptions& options) {
  checkArchive(path);
  checkRoom(path, options.native);
  Model model;
  model.path = path;
  model.sha256 = sha256File(path);
  model.native = options.native;
  model.promoter = Promoter(options.device);
  // cuDNN rounds float32 to 10 bits of mantissa unless told otherwise.
  if (options.device.is_cuda()) at::globalContext().setAllowTF32CuDNN(false);
  model.module = readModule(path, options.device);
  refuseUnchangeable(model.module, path);
  readDataAsDetached(model.module);
  noteTrainingMode(model.module, model.notes);
  model.module.eval();
  std::map<std::string, at::ScalarType> stored;
  for (const auto& named : model.module.named_parameters()) {
    stored[named.name] = named.value.scalar_type();
    named.value.set_requires_grad(false);
  }
  for (const auto& named : model.module.named_buffers()) stored[named.name] = named.value.scalar_type();
  try {
    if (!options.native) convertToDouble(model.module, options.device);
  } catch (const std::exception& failure) {
    if (!saysOutOfMemory(failure.what())) throw;
    throw Error(Fault::memory, tooLarge(path, false, "which is more than there is"));
  }
  straightenParameters(model.module);
  listParameters(model, stored);
  checkFinite(model);
  return model;
}

int64_t parameterOf(const Model& model, const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage() || tensor.numel() == 0) return -1;
  const void* storage = tensor.storage().data();
  const auto offset = tensor.storage_offset();
  for (size_t i = 0; i < model.weightTensors(); ++i) {
    const auto& value = model.weights(static_cast<int64_t>(i)).value;
    if (value.storage().data() == storage && offset >= value.storage_offset() &&
        offset < value.storage_offset() + value.numel()) {
      return static_cast<int64_t>(i);
    }
  }
  return -1;
}

int64_t weightCount(const Model& model) {
  int64_t count = 0;
  for (const auto& parameter : model.parameters) count += parameter.value.numel();
  return count;
}

}  // namespace heft
