#include "engine/execute/few_rows.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "engine/cells/recurrent_layer.hpp"
#include "engine/kernels/cpu/few_row_product.hpp"

namespace heft {
namespace {

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kDouble; }

/// Products by one matrix, which doesn't change between them.
class FewRowMatrix {
 public:
  /// `times`: how often it is to be read. From the third time on it is read as floats, where these are the same values.
  explicit FewRowMatrix(int64_t times) : keeps_(times > 2) {}

  at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    const auto rows = x.contiguous();
    const auto added = bias.defined() ? bias.contiguous() : at::Tensor();
    auto y = at::empty({rows.size(0), weight.size(0)}, rows.options());
    kernels::FewRowProduct task;
    task.rows = rows.size(0);
    task.inputs = rows.size(1);
    task.outputs = weight.size(0);
    task.x = rows.const_data_ptr<double>();
    task.w = weight.const_data_ptr<double>();
    task.bias = added.defined() ? added.const_data_ptr<double>() : nullptr;
    task.y = y.mutable_data_ptr<double>();
    if (narrow_.defined()) {
      task.narrow = narrow_.const_data_ptr<float>();
      run(task);
    } else if (keeps_) {
      const auto kept = at::empty(weight.sizes(), weight.options().dtype(at::kFloat));
      task.keep = kept.mutable_data_ptr<float>();
      if (run(task))
        narrow_ = kept;
      else
        keeps_ = false;
    } else {
      run(task);
    }
    return y;
  }

 private:
  static bool run(const kernels::FewRowProduct& task) {
    constexpr int64_t kGrain = 32;  // outputs: a thread's share is worth waking it
    std::atomic<bool> same = true;
    at::parallel_for(0, task.outputs, kGrain, [&](int64_t begin, int64_t end) {
      if (!kernels::fewRowProduct(task, begin, end)) same = false;
    });
    return same;
  }

  bool keeps_;
  at::Tensor narrow_;
};

class FewRowsHook : public LayerHook {
 public:
  FewRowsHook(int64_t rows, const at::Tensor& recurrent, int64_t steps)
      : rows_(rows), recurrent_(recurrent), matrix_(steps) {}

  at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override {
    const bool few = weight.is_same(recurrent_) && x.dim() == 2 && x.size(0) <= rows_ && weight.is_contiguous();
    return few ? matrix_.affine(x, weight, bias) : LayerHook::affine(x, weight, bias);
  }

 private:
  int64_t rows_;
  at::Tensor recurrent_;
  FewRowMatrix matrix_;
};

/// States have a row a sample, whatever the call's layout.
int64_t samplesOf(const RecurrentCall& call) { return call.hidden.size(1); }

}  // namespace

bool FewRowsHandler::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (model_.native) return false;
  const auto call = parseRecurrentCall(op, stack);
  if (!call || samplesOf(*call) > rows_) return false;
  // Several layers are one call: as long as one is worth it, the others lose little.
  const auto large = [&](const CellWeights& one) { return one.recurrent.numel() >= weights_; };
  if (std::none_of(call->weights.begin(), call->weights.end(), large)) return false;
  const auto plain = [](const CellWeights& one) { return isPlain(one.recurrent); };
  if (!isPlain(call->input) || !std::all_of(call->weights.begin(), call->weights.end(), plain)) return false;
  const auto hook = [&](size_t index, const LayerInput& input) {
    return std::make_unique<FewRowsHook>(rows_, call->weights[index].recurrent, input.sequence.size(0));
  };
  pushRecurrentResult(op, *call, runCall(*call, hook), stack);
  return true;
}

}  // namespace heft
