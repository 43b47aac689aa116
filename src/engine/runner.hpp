#pragma once

#include <string>
#include <vector>

#include "data/inputs.hpp"
#include "engine/intercept.hpp"
#include "model/model.hpp"
#include "model/state.hpp"

namespace heft {

/// Runs operators as the model meant them, in float64. Sites that want to answer for themselves derive from this.
class PlainHandler : public OperatorHandler {
 public:
  /// `derives`: what forward makes of parameters alone is not computed, but taken from Model::derived.
  explicit PlainHandler(Model& model, bool derives = false) : model_(model), derives_(derives) {}
  /// Hears the values that forward is called with, before its first operator.
  virtual void given(const std::vector<c10::IValue>& /*values*/) {}
  void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) override;

  /// What failed, in one line, after a run threw; empty when nothing is known.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 protected:
  /// True when the operator was answered: its results are on the stack in place of its arguments.
  virtual bool answer(const c10::OperatorHandle& /*op*/, torch::jit::Stack& /*stack*/) { return false; }

  Model& model_;

 private:
  bool derives_;
  std::string failure_;
};

/// One output tensor of forward and where it stood: "" (the output itself), "1", "logits", "0.1" (nested).
struct NamedOutput {
  std::string path;
  at::Tensor value;
};

struct RunnerOptions {
  bool stream = false;      ///< the first input is [steps, ...]; forward is called once a step
  std::string module_name;  ///< when set, what this submodule returns is the output
};

/// Runs one model on one set of inputs, from the same state every time.
class Runner {
 public:
  /// Throws Error(Fault::usage) for a submodule that isn't there.
  Runner(Model& model, Inputs inputs, RunnerOptions options = {});

  /// One run of forward under `handler`, every floating output in the order of its path; streamed outputs are stacked
  /// along a new first dimension. Throws Error(Fault::input) when forward fails.
  std::vector<NamedOutput> run(PlainHandler& handler) { return run(handler, inputs_.values); }
  std::vector<NamedOutput> run(PlainHandler& handler, const std::vector<c10::IValue>& values);

  /// Puts what forward keeps in the module (buffers, attributes) back to what was loaded.
  void restoreState() const { state_.restore(); }

  [[nodiscard]] const Inputs& inputs() const { return inputs_; }
  [[nodiscard]] bool streams() const { return options_.stream; }
  [[nodiscard]] Model& model() { return model_; }

 private:
  c10::IValue forward(std::vector<c10::IValue> values);

  Model& model_;
  Inputs inputs_;
  RunnerOptions options_;
  ModuleState state_;
  c10::IValue observed_module_;
};

/// A deep copy of values whose tensors are cloned, so that in-place operators of forward can't reach the originals.
c10::IValue cloneValue(const c10::IValue& value);

}  // namespace heft
