#pragma once

#include "engine/forward/runner.hpp"

namespace heft {

/// Runs the model as it is and notes how large its tensors are.
class ActivationSize : public PlainHandler {
 public:
  explicit ActivationSize(Model& model) : PlainHandler(model, true) {}
  void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) override;

  /// Bytes that one run's live tensors take, about: a few times its largest operator's results.
  [[nodiscard]] int64_t bytes() const { return 4 * largest_; }
  /// Bytes of the largest results that an operator made: views take none, and outputs of recurrent operators count apart.
  [[nodiscard]] int64_t largestMade() const { return largest_made_; }
  /// Bytes of the outputs of recurrent operators, in the order of their calls; of a cell, which has none, 0.
  [[nodiscard]] const std::vector<int64_t>& recurrentOutputs() const { return outputs_; }
  /// Samples that a recurrent operator sees at once, at most; 0 where there is none.
  [[nodiscard]] int64_t recurrentRows() const { return rows_; }

 private:
  int64_t largest_ = 0;
  int64_t largest_made_ = 0;
  std::vector<int64_t> outputs_;
  int64_t rows_ = 0;
};

}  // namespace heft
