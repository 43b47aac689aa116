#include <ATen/ATen.h>

#include "engine/execute/delta/weight_entries.hpp"
#include "engine/execute/variants/batch_handler.hpp"
#include "engine/kernels/device_kernels.hpp"

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
  if (parameter >= 0 && isWhole(weight, parameter)) return deltaFor(parameter);
  // Computed from a changed parameter, or part of one: whole matrices, one a variant.
  const auto values = spread(weight);
  weight = values[0].contiguous();
  return WeightDelta(values);
}

/// A recurrent call that nothing has reached yet gives what it gave in the unchanged model.
bool BatchHandler::answerKept(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (baseline_ == nullptr) return false;
  const auto call = parseRecurrentCall(op, stack);
  if (!call) return false;
  const BelowVmap plain;
  const auto* kept = baseline_->at(recurrent_calls_++);
  if (kept == nullptr || !kept->matches(*call, [](const at::Tensor&) { return false; })) return false;
  auto result = kept->result;  // copies: forward may write into what an operator gave it
  for (auto* one : {&result.output, &result.hidden, &result.carry}) {
    if (one->defined()) *one = one->clone();
  }
  pushRecurrentResult(op, *call, result, stack);
  return true;
}

bool BatchHandler::addEntries(const at::Tensor& weight, std::vector<CellChange>& changes,
                              std::vector<WeightEntry> CellChange::*role) {
  if (!weight.defined() || !moves(weight)) return true;
  const auto parameter = changedParameter(weight);
  if (parameter < 0 || !isWhole(weight, parameter)) return false;
  auto entries = entriesOf(model_, variants_, parameter);
  for (size_t v = 0; v < entries.size(); ++v) changes[v].*role = std::move(entries[v]);
  return true;
}

std::optional<CallDeltas> BatchHandler::callDeltas(const BaselineCall& baseline, const RecurrentCall& call) {
  const BelowVmap plain;
  if (call.input.scalar_type() != at::kDouble || !kernelsRunOn(call.input.device())) return std::nullopt;
  if (!baseline.matches(call, [this](const at::Tensor& one) { return moves(one); })) return std::nullopt;
  CallDeltas deltas;
  for (const auto& weights : call.weights) {
    std::vector<CellChange> changes(variants_.size());
    if (!addEntries(weights.input, changes, &CellChange::input) ||
        !addEntries(weights.recurrent, changes, &CellChange::recurrent) ||
        !addEntries(weights.input_bias, changes, &CellChange::input_bias) ||
        !addEntries(weights.recurrent_bias, changes, &CellChange::recurrent_bias) ||
        !addEntries(weights.projection, changes, &CellChange::projection))
      return std::nullopt;
    // Beyond this, one product with the whole changed block is faster than its entries one by one.
    const auto most = 8 * weights.recurrent.size(0);
    for (const auto& one : changes) {
      if (static_cast<int64_t>(one.entries()) > most) return std::nullopt;
    }
    deltas.changes.push_back(std::move(changes));
  }
  const auto moved = [&](const at::Tensor& one) { return one.defined() && moves(one) ? spread(one) : at::Tensor(); };
  deltas.input = moved(call.input);
  deltas.hidden = moved(call.hidden);
  deltas.carry = moved(call.carry);
  return deltas;
}

RecurrentResult BatchHandler::runVariants(RecurrentCall call) {
  const BelowVmap plain;
  call.input = spread(call.input);
  call.hidden = spread(call.hidden);
  if (call.carry.defined()) call.carry = spread(call.carry);
  if (call.batch_sizes.defined() && moves(call.batch_sizes)) {
    throw std::runtime_error("lengths of packed sequences differ from variant to variant");
  }
  // States of one kind carry the variants or none do.
  if (call.carry.defined() && call.carry.dim() != call.hidden.dim()) {
    auto& one = call.carry.dim() < call.hidden.dim() ? call.carry : call.hidden;
    one = one.unsqueeze(0).expand({level_.variants(), -1, -1, -1});
  }
  std::vector<CellDeltas> deltas;
  for (auto& weights : call.weights) {
    deltas.push_back({deltaOf(weights.input), deltaOf(weights.recurrent), deltaOf(weights.input_bias),
                      deltaOf(weights.recurrent_bias), deltaOf(weights.projection)});
  }
  const auto batch = call.hidden.size(-2);
  auto result = runCall(
      call,
      [&](size_t index, const LayerInput& input) {
        return std::make_unique<DeltaHook>(deltas[index], call.kind, input, level_.variants(), batch);
      },
      level_.variants());
  const auto wrap = [&](at::Tensor& values, int64_t rank) {
    if (values.defined() && values.dim() > rank) values = level_.wrap(values);
  };
  wrap(result.output, call.cell || call.batch_sizes.defined() ? 2 : 3);
  wrap(result.hidden, 3);
  wrap(result.carry, 3);
  return result;
}

RecurrentResult BatchHandler::runDifferences(BaselineCall& baseline, const CallDeltas& deltas) {
  const BelowVmap plain;
  baseline.prepare(baseline_->form());
  auto [result, rounding] = runDeltaCall(baseline, deltas, level_.variants(), baseline_->workspaces());
  if (rounding.defined()) {
    const auto by_sample = baseline.bySample(rounding);
    rounding_ = rounding_.defined() ? rounding_ + by_sample : by_sample;
  }
  partial_.add(result.output, baseline);
  for (auto* one : {&result.output, &result.hidden, &result.carry}) {
    if (one->defined()) *one = level_.wrap(*one);
  }
  return result;
}

bool BatchHandler::answerRecurrent(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto call = parseRecurrentCall(op, stack);
  if (!call) return false;
  auto* kept = baseline_ != nullptr ? baseline_->at(recurrent_calls_++) : nullptr;
  const auto deltas = kept != nullptr ? callDeltas(*kept, *call) : std::nullopt;
  pushRecurrentResult(op, *call, deltas ? runDifferences(*kept, *deltas) : runVariants(*call), stack);
  return true;
}

}  // namespace heft
