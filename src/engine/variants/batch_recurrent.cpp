#include <ATen/ATen.h>

#include "engine/variants/batch_handler.hpp"

namespace heft {
namespace {

/// What the weights of one layer in one direction add in each variant.
struct CellDeltas {
  std::optional<WeightDelta> input, recurrent, input_bias, recurrent_bias, projection;

  [[nodiscard]] bool any() const { return input || recurrent || input_bias || recurrent_bias || projection; }
};

/// Adds dW z to what the unchanged weights give, in the rows that each variant changes.
class DeltaHook : public LayerHook {
 public:
  DeltaHook(const CellDeltas& deltas, CellKind kind, const LayerInput& input, int64_t variants, int64_t batch)
      : deltas_(deltas), gru_(kind == CellKind::gru), sequence_(input.sequence), variants_(variants), batch_(batch) {}

  void begin(at::Tensor& emitted, at::Tensor& carry) override {
    if (!deltas_.any()) return;
    if (emitted.size(0) == batch_) emitted = emitted.repeat({variants_, 1});
    if (carry.defined() && carry.size(0) == batch_) carry = carry.repeat({variants_, 1});
  }

  [[nodiscard]] bool stepwise() const override { return sequence_.size(1) != batch_; }

  at::Tensor inputTerm(int64_t step, const at::Tensor& term) override {
    // Only a GRU needs its input terms apart from the recurrent ones.
    if (!gru_ || !(deltas_.input || deltas_.input_bias)) return term;
    auto own = term.size(0) == batch_ ? term.repeat({variants_, 1}) : term;
    addInput(step, own);
    return own;
  }

  at::Tensor recurrentTerm(int64_t step, const at::Tensor& term, const at::Tensor& emitted) override {
    if (!gru_) addInput(step, term);
    if (deltas_.recurrent) deltas_.recurrent->addProduct(byVariant(term), byVariant(emitted));
    if (deltas_.recurrent_bias) deltas_.recurrent_bias->addBias(byVariant(term));
    return term;
  }

  at::Tensor projected(int64_t /*step*/, const at::Tensor& emitted, const at::Tensor& hidden) override {
    if (deltas_.projection) deltas_.projection->addProduct(byVariant(emitted), byVariant(hidden));
    return emitted;
  }

 private:
  void addInput(int64_t step, const at::Tensor& term) {
    if (deltas_.input) deltas_.input->addProduct(byVariant(term), byVariant(sequence_[step]));
    if (deltas_.input_bias) deltas_.input_bias->addBias(byVariant(term));
  }

  /// [variants x batch, width] -> [variants, batch, width]; what is the same for all variants -> [1, batch,
  /// width].
  [[nodiscard]] at::Tensor byVariant(const at::Tensor& rows) const { return rows.view({-1, batch_, rows.size(1)}); }

  const CellDeltas& deltas_;
  bool gru_;
  at::Tensor sequence_;
  int64_t variants_, batch_;
};

}  // namespace

std::optional<WeightDelta> BatchHandler::deltaOf(at::Tensor& weight) {
  if (!weight.defined() || !moves(weight)) return std::nullopt;
  const auto parameter = changedParameter(weight);
  if (parameter >= 0 && isWhole(weight, parameter)) return deltas_.at(parameter);
  // Computed from a changed parameter, or part of one: whole matrices, one a variant.
  const auto values = spread(weight);
  weight = values[0].contiguous();
  return WeightDelta(values);
}

bool BatchHandler::answerRecurrent(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  auto call = parseRecurrentCall(op, stack);
  if (!call) return false;
  RecurrentResult result;
  {
    const BelowVmap plain;
    call->input = spread(call->input);
    call->hidden = spread(call->hidden);
    if (call->carry.defined()) call->carry = spread(call->carry);
    if (call->batch_sizes.defined() && moves(call->batch_sizes)) {
      throw std::runtime_error("lengths of packed sequences differ from variant to variant");
    }
    // States of one kind carry the variants or none do.
    if (call->carry.defined() && call->carry.dim() != call->hidden.dim()) {
      auto& one = call->carry.dim() < call->hidden.dim() ? call->carry : call->hidden;
      one = one.unsqueeze(0).expand({level_.variants(), -1, -1, -1});
    }
    std::vector<CellDeltas> deltas;
    for (auto& weights : call->weights) {
      deltas.push_back({deltaOf(weights.input), deltaOf(weights.recurrent), deltaOf(weights.input_bias),
                        deltaOf(weights.recurrent_bias), deltaOf(weights.projection)});
    }
    const auto batch = call->hidden.size(-2);
    result = runCall(
        *call,
        [&](size_t index, const LayerInput& input) {
          return std::make_unique<DeltaHook>(deltas[index], call->kind, input, level_.variants(), batch);
        },
        level_.variants());
    const auto wrap = [&](at::Tensor& values, int64_t rank) {
      if (values.defined() && values.dim() > rank) values = level_.wrap(values);
    };
    wrap(result.output, call->cell || call->batch_sizes.defined() ? 2 : 3);
    wrap(result.hidden, 3);
    wrap(result.carry, 3);
  }
  pushRecurrentResult(op, *call, result, stack);
  return true;
}

}  // namespace heft
