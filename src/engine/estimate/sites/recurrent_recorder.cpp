#include <ATen/ATen.h>

#include "engine/estimate/sites/adjoint_linear.hpp"
#include "engine/estimate/sites/layer_function.hpp"
#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/kernels/device_kernels.hpp"

namespace heft {

/// Records one call of the layer and puts the leaves into it.
class RecurrentSite::Recorder : public LayerHook {
 public:
  Recorder(RecurrentSite& site, bool linked) : site_(site), linked_(linked) {}

  /// Whole sequences of layers whose weights nobody else follows are one node of the graph, with an adjoint of their own.
  std::optional<LayerOutput> run(CellKind kind, const CellWeights& weights, const LayerInput& input) override {
    const auto& recurrent = weights.recurrent;
    const bool known = kernelsRunOn(recurrent.device()) &&
                       (recurrent.scalar_type() == at::kDouble || recurrent.scalar_type() == at::kFloat);
    if (whole_ || linked_ || !known || weights.projection.defined() || input.sequence.size(0) < 2 ||
        !isConstant(weights))
      return std::nullopt;
    whole_ = true;
    const auto detached = [](const at::Tensor& one) { return one.defined() ? one.detach() : one; };
    LayerOutput ran;
    std::shared_ptr<const LayerAdjoint> adjoint;
    {
      const at::NoGradGuard no_grad;
      ran = runLayer(kind, weights,
                     {detached(input.sequence), detached(input.hidden), detached(input.carry), input.active}, *this);
      const auto& record = site_.records_.back();
      adjoint = std::make_shared<LayerAdjoint>(kind, weights, site_.own_weights_, record.from_input, record.from_hidden,
                                               record.carry_before, input.active, site_.options_.device_code);
    }
    auto& record = site_.records_.back();
    // In float32, as its gradients are.
    record.emission_leaf =
        at::zeros(record.emission_leaf.sizes(), recurrent.options().dtype(at::kFloat).requires_grad(false))
            .requires_grad_(true);
    auto output = withAdjoint(input, {record.emission_leaf, record.carry_leaf},
                              {ran.sequence, ran.hidden, ran.carry, site_.last_carry_}, std::move(adjoint));
    site_.last_emitted_ = output.hidden;
    site_.last_carry_ = output.raw_carry;
    site_.last_leaf_ = record.emission_leaf.select(0, -1).to(output.hidden.scalar_type());
    return output;
  }

  void begin(at::Tensor& emitted, at::Tensor& carry) override {
    if (!linked_) return;
    // The carry goes on inside the unit, so it is taken from before the leaf that the model's copy of it has.
    emitted = site_.last_emitted_;
    if (carry.defined()) carry = site_.last_carry_;
    previous_leaf_ = site_.last_leaf_;
  }

  at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) override {
    return isConstant(weight, bias) ? linearWithFloatAdjoint(x, weight, bias) : LayerHook::affine(x, weight, bias);
  }

  at::Tensor inputTerms(const at::Tensor& terms) override {
    const auto steps = terms.size(0);
    const auto rows = terms.size(1);
    const auto hidden = site_.weights_.recurrent.size(0) / static_cast<int64_t>(gateNames(site_.kind_).size());
    record_.emission_leaf = at::zeros({steps, rows, hidden}, terms.options()).requires_grad_(true);
    emission_leaves_ = record_.emission_leaf.unbind(0);
    if (site_.weights_.projection.defined()) {
      const auto emitted = site_.weights_.projection.size(0);
      record_.projection_leaf = at::zeros({steps, rows, emitted}, terms.options()).requires_grad_(true);
      projection_leaves_ = record_.projection_leaf.unbind(0);
    }
    return terms;
  }

  at::Tensor recurrentTerm(int64_t /*step*/, const at::Tensor& term, const at::Tensor& /*emitted*/) override {
    // What a unit emits reaches its own gates inside the unit response; the leaf must be seen by the others only.
    if (!previous_leaf_.defined()) return term;
    const auto gates = static_cast<int64_t>(gateNames(site_.kind_).size());
    return term - previous_leaf_.repeat({1, gates}) * site_.own_weights_;
  }

  void preActivations(int64_t /*step*/, const at::Tensor& input, const at::Tensor& recurrent, const at::Tensor& emitted,
                      const at::Tensor& carry) override {
    record_.from_input.push_back(input.detach());
    record_.from_hidden.push_back(recurrent.detach());
    // Copies: a state that the model keeps may be overwritten in place before it is looked at.
    record_.emitted_before.push_back(emitted.detach().clone());
    if (carry.defined()) record_.carry_before.push_back(carry.detach().clone());
  }

  at::Tensor emission(int64_t step, const at::Tensor& hidden) override {
    record_.hidden.push_back(hidden.detach());
    previous_leaf_ = emission_leaves_[static_cast<size_t>(step)];
    return hidden + previous_leaf_;
  }

  at::Tensor projected(int64_t step, const at::Tensor& emitted, const at::Tensor& /*hidden*/) override {
    return emitted + projection_leaves_[static_cast<size_t>(step)];
  }

  at::Tensor finalCarry(const at::Tensor& carry) override {
    raw_carry_ = carry;
    record_.carry_leaf = at::zeros_like(carry).requires_grad_(true);
    return carry + record_.carry_leaf;
  }

  void end(const LayerInput& input, const LayerOutput& output) override {
    for (int64_t t = 0; t < input.sequence.size(0); ++t) record_.read.push_back(input.sequence[t].detach().clone());
    const auto rows = input.hidden.size(0);
    for (int64_t t = 0; t < input.sequence.size(0); ++t) {
      record_.active.push_back(input.active.defined() ? input.active[t].reshape({rows})
                                                      : at::ones({rows}, input.hidden.options().dtype(at::kBool)));
      site_.packed_ |= input.active.defined();
    }
    site_.last_emitted_ = output.hidden;
    site_.last_carry_ = site_.kind_ == CellKind::lstm ? raw_carry_ : output.raw_carry;
    site_.last_leaf_ = previous_leaf_;
    site_.records_.push_back(std::move(record_));
  }

 private:
  static bool isConstant(const at::Tensor& weight, const at::Tensor& bias) {
    return !weight.requires_grad() && !(bias.defined() && bias.requires_grad());
  }
  static bool isConstant(const CellWeights& weights) {
    return isConstant(weights.input, weights.input_bias) && isConstant(weights.recurrent, weights.recurrent_bias);
  }

  RecurrentSite& site_;
  bool linked_;
  bool whole_ = false;  ///< the run is one node
  Record record_;
  std::vector<at::Tensor> emission_leaves_, projection_leaves_;  ///< the record's leaves, step by step
  at::Tensor previous_leaf_, raw_carry_;
};

std::unique_ptr<LayerHook> RecurrentSite::record(bool linked) { return std::make_unique<Recorder>(*this, linked); }

}  // namespace heft
