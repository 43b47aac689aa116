#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heft {

/// The arguments of one forward call, in the order of its schema, without `self`.
struct Inputs {
  std::vector<c10::IValue> values;
  std::vector<std::string> names;
  std::string sha256;  ///< over the bytes of all files, in order
};

/// Reads `.pt` (tensor, tuple, list, or dict by argument name), `.safetensors`, `.npy` and `.npz`. Several
/// files fill arguments in order, or by name where the files name them. Floating tensors become float64
/// unless `native`, in which case their type is kept. Throws Error(Fault::input): which file or argument,
/// what was found and what forward expects.
Inputs readInputs(const std::vector<std::filesystem::path>& files, const c10::FunctionSchema& forward,
                  c10::Device device, bool native);

/// Reads one tensor of targets: classes (integers) or values (floating point).
at::Tensor readTargets(const std::filesystem::path& file);

/// Lists the arguments of forward, as "x: Tensor, lengths: Tensor, scale: float = 1.0".
std::string describeArguments(const c10::FunctionSchema& forward);

}  // namespace heft
