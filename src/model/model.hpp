#pragma once

#include <torch/script.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/promote.hpp"

namespace heft {

/// One parameter of the model, by its first name.
struct Parameter {
  std::string name;
  std::vector<std::string> tied;       ///< further names of the same memory; they change together
  at::Tensor value;                    ///< any shape; the tensor that forward reads, float64 unless `Model::native`
  at::ScalarType stored = at::kFloat;  ///< the type in the file
  bool constant = false;               ///< a constant of a frozen graph, named by the site that reads it
};

struct Buffer {
  std::string name;
  at::Tensor value;
  at::ScalarType stored = at::kFloat;  ///< the type in the file
};

class WeightFunctions;  // engine/derived

/// A loaded TorchScript model, in evaluation mode, its floating values held in float64.
struct Model {
  std::filesystem::path path;
  torch::jit::Module module;
  std::vector<Parameter> parameters;
  std::vector<Buffer> buffers;
  std::vector<std::string> notes;  ///< what was done to the model that its owner should know, a sentence each
  Promoter promoter;               ///< makes float32 that is baked into the graph run in float64
  bool native = false;             ///< true: nothing was converted, the model runs in its own types
  std::string sha256;              ///< of the file's bytes, hexadecimal

  /// What forward makes of parameters alone (a mask times them, their absolute values) before an operator reads it beside data:
  /// weights as good as any to who follows what they do, numbered on from the parameters. Empty until `functions` are found.
  std::vector<Parameter> derived;
  std::shared_ptr<const WeightFunctions> functions;  ///< how they are made; null where there are none

  /// A parameter, or from `parameters.size()` on a derived weight.
  [[nodiscard]] const Parameter& weights(int64_t index) const {
    const auto own = static_cast<int64_t>(parameters.size());
    return index < own ? parameters[static_cast<size_t>(index)] : derived[static_cast<size_t>(index - own)];
  }
  [[nodiscard]] size_t weightTensors() const { return parameters.size() + derived.size(); }
};

struct LoadOptions {
  c10::Device device = c10::kCPU;
  bool native = false;  ///< keep the model's own types; for models that can't run in float64
};

/// Reads a TorchScript file.
/// Throws Error(Fault::model) where the file can't be read as TorchScript, with what it is instead and what to do, and
/// Error(Fault::unsupported) for models whose weights can't be changed (quantised, packed for one backend).
Model loadModel(const std::filesystem::path& path, const LoadOptions& options = {});

/// The parameter or derived weight that `tensor` lies in, as an index for Model::weights(), or -1.
int64_t parameterOf(const Model& model, const at::Tensor& tensor);

/// Number of scalar weights in all parameters.
int64_t weightCount(const Model& model);

}  // namespace heft
