#pragma once

#include "engine/forward/runner.hpp"

namespace heft {

/// Runs forward as PlainHandler does, and faster where a recurrent layer's weights are large and its rows are few: its products
/// then read the weights as they lie. LibTorch's copy them into packed form at every time step, which takes most of such a run.
class FewRowsHandler : public PlainHandler {
 public:
  /// A layer is run here when its weights have `weights` values or more (those that fit a processor's own cache are packed
  /// quickly) and its batch `rows` samples or fewer.
  explicit FewRowsHandler(Model& model, int64_t weights = int64_t{1} << 18, int64_t rows = 8)
      : PlainHandler(model), weights_(weights), rows_(rows) {}

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  int64_t weights_, rows_;
};

}  // namespace heft
