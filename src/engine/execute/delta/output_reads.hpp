#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <unordered_map>
#include <vector>

namespace heft {

/// Learns which elements of some tensors are read while forward runs. A view reads nothing: what reads the view does.
class OutputReads {
 public:
  /// From here on reads of `output` are noted; returns its number. An undefined one has a number, too, and no reads.
  size_t watch(const at::Tensor& output);
  /// The arguments among these that lie in what is watched: take them before the operator replaces them.
  [[nodiscard]] std::vector<at::Tensor> watched(c10::ArrayRef<c10::IValue> arguments) const;
  /// An operator was given `arguments`, as watched() found them, and gave `results`.
  void see(const c10::OperatorHandle& op, const std::vector<at::Tensor>& arguments, c10::ArrayRef<c10::IValue> results);
  /// All elements of `tensor` are read.
  void mark(const at::Tensor& tensor);
  /// bool, as large as the output with this number: what was read of it.
  [[nodiscard]] at::Tensor of(size_t number) const;

 private:
  struct Watched {
    at::Tensor output;  ///< keeps the storage alive, so that its address stays its identity
    at::Tensor read;    ///< bool [elements of the storage]
  };
  std::vector<Watched> outputs_;
  std::unordered_map<const void*, size_t> by_storage_;
};

/// What tells one storage from another.
const void* storageOf(const at::Tensor& tensor);

/// True when an operator that was given `arguments` and gave `results` passed views of them on and read nothing else: all that
/// it gave lies in the one storage in which the arguments lie.
bool givesViewsAlone(const c10::OperatorHandle& op, const std::vector<at::Tensor>& arguments,
                     c10::ArrayRef<c10::IValue> results);

/// Where a tensor of this geometry lies in the flat `elements` of its storage; undefined where it goes beyond them.
at::Tensor regionOf(const at::Tensor& elements, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset);

}  // namespace heft
