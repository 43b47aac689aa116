#include "engine/estimate/sites/adjoint_linear.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/estimate/sites/adjoint_precision.hpp"

namespace heft {
namespace {

class FloatAdjoint : public torch::autograd::Function<FloatAdjoint> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->saved_data["weight"] = weight;
    context->saved_data["float"] = weight.to(at::kFloat);
    return at::linear(x, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto& gradient = gradients[0];
    if (!gradient.defined()) return {at::Tensor(), at::Tensor(), at::Tensor()};
    const auto x = adjointPrecision() == AdjointPrecision::full
                       ? gradient.matmul(context->saved_data["weight"].toTensor())
                       : gradient.to(at::kFloat).matmul(context->saved_data["float"].toTensor()).to(gradient);
    return {x, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor linearWithFloatAdjoint(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return FloatAdjoint::apply(x, weight.detach(),
                             bias.defined() ? std::optional<at::Tensor>(bias.detach()) : std::nullopt);
}

}  // namespace heft
