#include "measure/session/forward_cost.hpp"

#include <ATen/ATen.h>

#include <set>

#include "engine/cells/recurrent_call.hpp"
#include "engine/forward/operators.hpp"

namespace heft {
namespace {

/// An element is read and written as float64, from memory more often than from a cache.
constexpr double kElement = 24;
/// An operator's way through the interpreter and the dispatcher.
constexpr double kCall = 1e5;

double numberOf(const at::Tensor& tensor) { return static_cast<double>(tensor.numel()); }

class CostCounter : public PlainHandler {
 public:
  using PlainHandler::PlainHandler;
  [[nodiscard]] const ForwardCost& cost() const { return cost_; }

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override {
    const auto given = torch::jit::last(stack, op.schema().arguments().size()).vec();
    if (const auto call = parseRecurrentCall(op, stack)) cost_.flop += flopOf(*call);
    op.callBoxed(stack);
    if (!model_.native) model_.promoter.results(op, stack);
    ++cost_.calls;
    const auto results = torch::jit::last(stack, op.schema().returns().size()).vec();
    const bool view = !op.schema().returns().empty() && op.schema().returns()[0].alias_info() != nullptr &&
                      !op.schema().returns()[0].alias_info()->isWrite();
    if (view) return true;
    for (const auto& one : results)
      eachTensor(one, [&](const at::Tensor& tensor) { cost_.elements += numberOf(tensor); });
    if (!results.empty() && results[0].isTensor() && results[0].toTensor().defined())
      cost_.flop += flopOf(plainName(op), given, results[0].toTensor());
    return true;
  }

 private:
  static double flopOf(const RecurrentCall& call) {
    const auto rows = call.input.numel() / std::max<int64_t>(1, call.input.size(-1));
    double weights = 0;
    for (const auto& own : call.weights) {
      for (const auto& one : {own.input, own.recurrent, own.projection}) weights += one.defined() ? numberOf(one) : 0;
    }
    return 2 * static_cast<double>(rows) * weights;
  }

  /// Each element of a product's result sums over what its factors share.
  static double flopOf(const std::string& name, const std::vector<c10::IValue>& given, const at::Tensor& result) {
    static const std::set<std::string> kProducts{"mm", "bmm", "matmul", "linear", "mv", "dot", "einsum", "bilinear"};
    static const std::set<std::string> kAdded{"addmm", "baddbmm", "addmv", "addbmm"};
    static const std::set<std::string> kConvolutions{"conv1d", "conv2d", "conv3d", "_convolution", "convolution"};
    static const std::set<std::string> kTransposed{"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
    std::vector<at::Tensor> tensors;
    for (const auto& one : given) eachTensor(one, [&](const at::Tensor& tensor) { tensors.push_back(tensor); });
    const auto shared = [](const at::Tensor& factor) {
      return factor.dim() == 0 ? 1.0 : static_cast<double>(factor.size(-1));
    };
    if (kProducts.contains(name) && tensors.size() > 1) return 2 * numberOf(result) * shared(tensors[0]);
    if (kAdded.contains(name) && tensors.size() > 2) return 2 * numberOf(result) * shared(tensors[1]);
    if (name == "scaled_dot_product_attention" && tensors.size() > 2)
      return 4 * numberOf(tensors[0]) * static_cast<double>(tensors[1].size(-2));
    if (tensors.size() < 2 || tensors[1].dim() == 0 || tensors[1].size(0) == 0) return 0;
    const double window = numberOf(tensors[1]) / static_cast<double>(tensors[1].size(0));
    if (kConvolutions.contains(name)) return 2 * numberOf(result) * window;
    return kTransposed.contains(name) ? 2 * numberOf(tensors[0]) * window : 0;
  }

  ForwardCost cost_;
};

}  // namespace

double ForwardCost::operations(double together) const { return flop + kElement * elements + kCall * calls / together; }

ForwardCost forwardCost(Session& session) {
  const at::NoGradGuard no_grad;
  CostCounter counter(session.model());
  (void)session.runner().run(counter);
  return counter.cost();
}

}  // namespace heft
