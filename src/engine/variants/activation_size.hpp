#pragma once

#include "engine/runner.hpp"

namespace heft {

/// Runs the model as it is and notes how large its tensors are.
class ActivationSize : public PlainHandler {
 public:
  using PlainHandler::PlainHandler;
  void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) override;

  /// Bytes that one run's live tensors take, about: a few times its largest operator's results.
  [[nodiscard]] int64_t bytes() const { return 4 * largest_; }
  /// Bytes of the largest operator's results.
  [[nodiscard]] int64_t largest() const { return largest_; }
  /// Samples that a recurrent operator sees at once, at most; 0 where there is none.
  [[nodiscard]] int64_t recurrentRows() const { return rows_; }

 private:
  int64_t largest_ = 0;
  int64_t rows_ = 0;
};

}  // namespace heft
