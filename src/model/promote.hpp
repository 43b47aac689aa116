#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <unordered_map>

namespace heft {

/// Runs single operators of a float32 (or half) model in float64, whatever types its graph has baked in.
///
/// Three things are rewritten: `dtype` arguments that name a smaller floating type, floating tensors that arrive smaller
/// (constants of the graph), and floating results that come out smaller. Device arguments follow `device`.
class Promoter {
 public:
  explicit Promoter(c10::Device device = c10::kCPU) : device_(device) {}

  /// Rewrites the arguments of `op` that lie on top of `stack`.
  void arguments(const c10::OperatorHandle& op, torch::jit::Stack& stack);

  /// Rewrites the results of `op` that lie on top of `stack`.
  void results(const c10::OperatorHandle& op, torch::jit::Stack& stack);

  /// The float64 twin of a tensor that the model holds as a constant; the same storage gives the same twin every time,
  /// so a change of the twin changes the constant in every later run.
  at::Tensor twin(const at::Tensor& tensor);

 private:
  struct Twin {
    at::Tensor original;  ///< keeps the storage alive, so that its address stays its identity
    at::Tensor base;      ///< float64 [elements of the storage]
  };
  std::unordered_map<const void*, Twin> twins_;
  c10::Device device_;
};

/// True for floating types that measuring replaces by float64.
bool isSmallFloat(at::ScalarType type);

/// `tensor` as a float64 tensor of the same strides, via a conversion of its whole storage.
at::Tensor wholeStorageAsDouble(const at::Tensor& tensor, c10::Device device);

}  // namespace heft
