#pragma once

#include <torch/script.h>

namespace heft {

/// What forward may change inside a module (buffers, plain attributes), kept so that every run can start from it.
class ModuleState {
 public:
  explicit ModuleState(const torch::jit::Module& module);

  /// Puts every attribute back to what it held when this was made; parameters are left alone.
  void restore() const;

  /// True where something is no longer what it was when this was made or restored.
  [[nodiscard]] bool changed() const;

 private:
  struct Slot {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    size_t index;
    c10::IValue original;  ///< the very value, so that tensors keep their identity
    c10::IValue content;   ///< a deep copy for containers
  };
  struct Content {
    at::Tensor tensor;
    at::Tensor saved;
    int64_t version;
  };
  struct TensorList {
    c10::List<at::Tensor> list;  ///< the list that an attribute held, whose elements forward may replace
    std::vector<at::Tensor> tensors;
  };
  std::vector<Slot> slots_;
  std::vector<TensorList> lists_;
  mutable std::vector<Content> contents_;
};

}  // namespace heft
