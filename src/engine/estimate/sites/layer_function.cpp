#include "engine/estimate/sites/layer_function.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>

#include "engine/estimate/sites/adjoint_precision.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What autograd keeps for the way back.
struct Kept : torch::CustomClassHolder {
  Kept(std::shared_ptr<const LayerAdjoint> of, LayerOutput output) : adjoint(std::move(of)), ran(std::move(output)) {}
  std::shared_ptr<const LayerAdjoint> adjoint;
  LayerOutput ran;  ///< until forward has given it away
};

enum Input : size_t { kSequence, kHidden, kCarry, kEmissionLeaf, kCarryLeaf };
enum Output : size_t { kSequenceOut, kHiddenOut, kCarryOut, kRawCarryOut };

at::Tensor sum(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

class LayerFunction : public torch::autograd::Function<LayerFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& /*sequence*/, const at::Tensor& /*hidden*/,
                               const std::optional<at::Tensor>& /*carry*/, const at::Tensor& /*emission_leaf*/,
                               const std::optional<at::Tensor>& /*carry_leaf*/, const c10::IValue& kept) {
    context->set_materialize_grads(false);
    context->saved_data["kept"] = kept;
    auto* held = static_cast<Kept*>(kept.toCapsule().get());
    const auto ran = std::move(held->ran);
    held->ran = {};
    // Autograd takes no undefined outputs.
    const auto orEmpty = [&](const at::Tensor& one) {
      return one.defined() ? one : at::empty({0}, ran.hidden.options());
    };
    return {ran.sequence, ran.hidden, orEmpty(ran.carry), orEmpty(ran.raw_carry)};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto& adjoint = *static_cast<const Kept*>(context->saved_data["kept"].toCapsule().get())->adjoint;
    const auto batched = std::find_if(gradients.begin(), gradients.end(), isBatched);
    const bool many = batched != gradients.end();
    variable_list found;
    {
      std::optional<BelowVmap> below;
      int64_t seeds = 1;
      if (many) {
        below.emplace();
        seeds = unwrap(*batched).size(0);
      }
      std::array<at::Tensor, 4> after;
      for (size_t i = 0; i < after.size(); ++i) {
        const auto& one = gradients.at(i);
        if (!one.defined()) continue;
        if (isBatched(one)) {
          after.at(i) = unwrap(one);
          continue;
        }
        auto shape = one.sizes().vec();
        shape.insert(shape.begin(), seeds);
        after.at(i) = one.unsqueeze(0).expand(shape);
      }
      found = adjointsOf(adjoint, after, context->needs_input_grad(kSequence));
      if (!many) {
        for (auto& one : found) {
          if (one.defined()) one = one.squeeze(0);
        }
      }
    }
    if (many) {
      for (auto& one : found) {
        if (one.defined()) one = wrapLike(one, *batched);
      }
    }
    found.push_back(gradients[kCarryOut]);  // the model's carry is the unit's own plus the leaf
    found.emplace_back();
    return found;
  }

 private:
  /// Of the first four inputs, [seeds, ...].
  static variable_list adjointsOf(const LayerAdjoint& adjoint, const std::array<at::Tensor, 4>& after,
                                  bool wants_input) {
    if (std::none_of(after.begin(), after.end(), [](const at::Tensor& one) { return one.defined(); }))
      return variable_list(4);
    const LayerAdjoints given{after[kSequenceOut], after[kHiddenOut], sum(after[kCarryOut], after[kRawCarryOut])};
    const auto precision = adjointPrecision();
    const auto found = precision == AdjointPrecision::full
                           ? adjoint.exactly(given, wants_input)
                           : adjoint.quickly(given, wants_input, precision == AdjointPrecision::rounded);
    return {found.before.sequence, found.before.hidden, found.before.carry, found.emission};
  }
};

std::optional<at::Tensor> given(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

}  // namespace

LayerOutput withAdjoint(const LayerInput& input, const LayerLeaves& leaves, const LayerOutput& ran,
                        std::shared_ptr<const LayerAdjoint> adjoint) {
  const auto kept = c10::IValue::make_capsule(c10::make_intrusive<Kept>(std::move(adjoint), ran));
  const auto found = LayerFunction::apply(input.sequence, input.hidden, given(input.carry), leaves.emission,
                                          given(leaves.carry), kept);
  const auto where = [&](const at::Tensor& one, size_t output) { return one.defined() ? found[output] : one; };
  return {found[kSequenceOut], found[kHiddenOut], where(ran.carry, kCarryOut), where(ran.raw_carry, kRawCarryOut)};
}

}  // namespace heft
