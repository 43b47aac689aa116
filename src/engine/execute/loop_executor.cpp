#include <ATen/ATen.h>

#include "engine/execute/change_scope.hpp"
#include "engine/execute/executor.hpp"

namespace heft {
namespace {

class LoopExecutor : public Executor {
 public:
  LoopExecutor(Runner& runner, const OutputLayout& layout) : runner_(runner), layout_(layout) {}

  void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) override {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < variants.size(); ++i) {
      at::Tensor outputs;
      {
        const ChangeScope changed(runner_.model(), variants[i]);
        PlainHandler handler(runner_.model());
        // A copy, since an output may be a weight of the model or a view of one.
        outputs = layout_.table(runner_.run(handler)).clone();
      }
      receive(i, outputs.unsqueeze(0));
    }
  }

 private:
  Runner& runner_;
  const OutputLayout& layout_;
};

}  // namespace

std::unique_ptr<Executor> makeLoopExecutor(Runner& runner, const OutputLayout& layout) {
  return std::make_unique<LoopExecutor>(runner, layout);
}

}  // namespace heft
