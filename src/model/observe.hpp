#pragma once

#include <torch/script.h>

#include <string>

namespace heft {

/// Makes what the submodule `name` ("encoder.lstm") returns visible to ObserveScope, by adding a node after each call
/// of it; call before the first run. Throws Error(Fault::usage) naming the submodules there are.
c10::IValue observeModule(const torch::jit::Module& module, const std::string& name);

/// While it lives, keeps what the observed submodule returned last on this thread.
class ObserveScope {
 public:
  explicit ObserveScope(const c10::IValue& module);
  ~ObserveScope();
  ObserveScope(const ObserveScope&) = delete;
  ObserveScope& operator=(const ObserveScope&) = delete;

  /// Throws Error(Fault::unsupported) when forward did not call the submodule.
  [[nodiscard]] c10::IValue seen() const;
};

}  // namespace heft
