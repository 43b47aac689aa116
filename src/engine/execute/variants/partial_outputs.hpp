#pragma once

#include <unordered_map>
#include <vector>

#include "engine/execute/delta/baseline_calls.hpp"

namespace heft {

/// Outputs of recurrent calls in variants that hold no more than what the unchanged model reads of them, and who reads more.
class PartialOutputs {
 public:
  /// `values` [variants, the call's output]: what `call` gave. Nothing is partial where it says that everything is read.
  void add(const at::Tensor& values, BaselineCall& call);
  /// The tensors among these that hold something unwritten, without the variants' wrapping. Call it under BelowVmap.
  [[nodiscard]] std::vector<at::Tensor> unwritten(c10::ArrayRef<c10::IValue> arguments) const;
  /// From now on the calls that gave these write everything.
  void wantAll(const std::vector<at::Tensor>& tensors);

  [[nodiscard]] bool empty() const { return outputs_.empty(); }

 private:
  struct Output {
    at::Tensor values;   ///< keeps the storage alive, so that its address stays its identity
    at::Tensor written;  ///< bool [elements of one variant]
    BaselineCall* call;
  };
  [[nodiscard]] bool holds(const at::Tensor& tensor) const;

  std::unordered_map<const void*, Output> outputs_;  ///< by storage
};

}  // namespace heft
