#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/inputs.hpp"
#include "engine/forward/carry.hpp"
#include "engine/forward/intercept.hpp"
#include "engine/forward/random_draws.hpp"
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

  /// Where operators that draw random numbers have them from; null: wherever the generators stand.
  void drawFrom(RandomDraws* draws) { draws_ = draws; }
  /// The module's state is back to what was loaded, in the middle of a run.
  virtual void restarted() {}

 protected:
  /// True when the operator was answered: its results are on the stack in place of its arguments.
  virtual bool answer(const c10::OperatorHandle& /*op*/, torch::jit::Stack& /*stack*/) { return false; }

  /// Of the operator that is answered now, where it draws random numbers; else null.
  [[nodiscard]] const RandomDraws::Turn* turn() const { return turn_; }

  Model& model_;

 private:
  /// An operator that draws random numbers.
  void callByChance(const c10::OperatorHandle& op, torch::jit::Stack& stack);

  bool derives_;
  std::string failure_;
  RandomDraws* draws_ = nullptr;
  const RandomDraws::Turn* turn_ = nullptr;
};

/// One output tensor of forward and where it stood: "" (the output itself), "1", "logits", "0.1" (nested).
struct NamedOutput {
  std::string path;
  at::Tensor value;
};

struct RunnerOptions {
  bool stream = false;       ///< the first input is [steps, ...]; forward is called once a step
  std::string module_name;   ///< when set, what this submodule returns is the output
  std::string element;       ///< the output that is scored; empty: all that aren't carried
  std::vector<Carry> carry;  ///< of streamed calls: outputs that are arguments of the next
  uint64_t seed = 0;         ///< of random numbers that forward draws
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
  /// Whether the last run left something else in the module than was loaded.
  [[nodiscard]] bool changedState() const { return state_.changed(); }

  /// From now on a run goes through forward (or the stream) once for each of so many draws of random numbers, each from the
  /// loaded state; outputs are stacked along a new first dimension where that is more than one.
  void setDraws(int64_t draws) { count_ = draws; }
  [[nodiscard]] int64_t draws() const { return count_; }
  /// Operators that draw random numbers, once it has run.
  [[nodiscard]] std::string drawing() const { return draws_->names(); }

  /// Outputs that fit arguments, ready for --carry, once it has run; empty where none does.
  [[nodiscard]] const std::vector<std::string>& fitting() const { return fitting_; }
  [[nodiscard]] const CarriedState& carried() const { return carried_; }

  [[nodiscard]] const Inputs& inputs() const { return inputs_; }
  [[nodiscard]] bool streams() const { return options_.stream; }
  [[nodiscard]] Model& model() { return model_; }

 private:
  c10::IValue forward(std::vector<c10::IValue> values, c10::IValue& returned);
  /// One run of one draw, from the state that the module has.
  std::vector<NamedOutput> runOnce(PlainHandler& handler, const std::vector<c10::IValue>& values);
  std::vector<NamedOutput> runDraws(PlainHandler& handler, const std::vector<c10::IValue>& values);
  void dropCarried(std::vector<NamedOutput>& outputs, const std::vector<std::string>& paths) const;

  Model& model_;
  Inputs inputs_;
  RunnerOptions options_;
  ModuleState state_;
  c10::IValue observed_module_;
  std::unique_ptr<RandomDraws> draws_;
  int64_t count_ = 1;
  CarriedState carried_;
  std::vector<std::string> fitting_;
  bool ran_ = false;
};

/// A deep copy of values whose tensors are cloned, so that in-place operators of forward can't reach the originals.
c10::IValue cloneValue(const c10::IValue& value);

}  // namespace heft
