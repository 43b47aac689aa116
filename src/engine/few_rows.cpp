#include "engine/few_rows.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "engine/kernels/cpu/few_row_product.hpp"
#include "engine/sites/recurrent_layer.hpp"

namespace heft {
namespace {

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kDouble; }

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto rows = x.contiguous();
  const auto added = bias.defined() ? bias.contiguous() : at::Tensor();
  auto y = at::empty({rows.size(0), weight.size(0)}, rows.options());
  const kernels::FewRowProduct task{rows.size(0),
                                    rows.size(1),
                                    weight.size(0),
                                    rows.const_data_ptr<double>(),
                                    weight.const_data_ptr<double>(),
                                    added.defined() ? added.const_data_ptr<double>() : nullptr,
                                    y.mutable_data_ptr<double>()};
  constexpr int64_t kGrain = 32;  // outputs: a thread's share is worth waking it
  at::parallel_for(0, task.outputs, kGrain,
                   [&](int64_t begin, int64_t end) { kernels::fewRowProduct(task, begin, end); });
  return y;
}

class FewRowsHook : public LayerHook {
 public:
  explicit FewRowsHook(int64_t rows) : rows_(rows) {}

  at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override {
    const bool few = x.dim() == 2 && x.size(0) <= rows_ && weight.is_contiguous();
    return few ? product(x, weight, bias) : LayerHook::affine(x, weight, bias);
  }

 private:
  int64_t rows_;
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
  const auto hook = [&](size_t /*index*/, const LayerInput& /*input*/) { return std::make_unique<FewRowsHook>(rows_); };
  pushRecurrentResult(op, *call, runCall(*call, hook), stack);
  return true;
}

}  // namespace heft
