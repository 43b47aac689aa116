#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace heft {

/// Sees every operator that a TorchScript forward calls, whole (`aten::lstm`, not its steps), before autograd and functorch.
class OperatorHandler {
 public:
  virtual ~OperatorHandler() = default;

  /// Must leave on the stack what `op` returns in place of its arguments; `op.callBoxed(stack)` is the plain answer.
  /// Operators called from inside are not intercepted again.
  virtual void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) = 0;
};

/// While it lives, operators called on this thread go to `handler`.
class InterceptScope {
 public:
  explicit InterceptScope(OperatorHandler& handler);
  ~InterceptScope();
  InterceptScope(const InterceptScope&) = delete;
  InterceptScope& operator=(const InterceptScope&) = delete;

 private:
  OperatorHandler* previous_;
  bool was_included_;
};

}  // namespace heft
