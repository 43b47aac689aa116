#include "engine/cells/recurrent_layer.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "data/stop.hpp"
#include "engine/cells/packing.hpp"

namespace heft {
namespace {

struct Step {
  at::Tensor hidden;
  at::Tensor carry;
};

/// a + b, where b may have the rows of several variants and a those of one.
at::Tensor sum(const at::Tensor& a, const at::Tensor& b) {
  if (a.size(0) == b.size(0)) return a + b;
  return (a + b.unflatten(0, {-1, a.size(0)})).flatten(0, 1);
}

/// `rows` for each of the variants whose rows `like` has.
at::Tensor repeatRows(const at::Tensor& rows, int64_t wanted) {
  return rows.size(0) == wanted ? rows : rows.repeat({wanted / rows.size(0), 1});
}

Step step(CellKind kind, const at::Tensor& input, const at::Tensor& recurrent, const at::Tensor& carry) {
  switch (kind) {
    case CellKind::lstm: {
      const auto gates = sum(input, recurrent).chunk(4, 1);
      const auto next = gates[1].sigmoid() * carry + gates[0].sigmoid() * gates[2].tanh();
      return {gates[3].sigmoid() * next.tanh(), next};
    }
    case CellKind::gru: {
      const auto from_input = input.chunk(3, 1);
      const auto from_hidden = recurrent.chunk(3, 1);
      const auto reset = sum(from_input[0], from_hidden[0]).sigmoid();
      const auto update = sum(from_input[1], from_hidden[1]).sigmoid();
      const auto fresh = sum(from_input[2], reset * from_hidden[2]).tanh();
      const auto next = (1 - update) * fresh + update * carry;
      return {next, next};
    }
    case CellKind::rnn_tanh:
      return {sum(input, recurrent).tanh(), {}};
    case CellKind::rnn_relu:
      return {sum(input, recurrent).relu(), {}};
  }
  return {};
}

}  // namespace

at::Tensor LayerHook::affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::linear(x, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

LayerOutput runLayer(CellKind kind, const CellWeights& weights, const LayerInput& input, LayerHook& hook) {
  if (auto output = hook.run(kind, weights, input)) return std::move(*output);
  const auto steps = input.sequence.size(0);
  auto emitted = input.hidden;
  auto carry = kind == CellKind::lstm ? input.carry : input.hidden;
  hook.begin(emitted, carry);
  const auto inputTerms = [&](const at::Tensor& read) { return hook.affine(read, weights.input, weights.input_bias); };
  // Unbound at once: the adjoint then gathers its steps once, not a tensor of all steps for each of them.
  const auto all_terms =
      hook.stepwise() ? std::vector<at::Tensor>() : hook.inputTerms(inputTerms(input.sequence)).unbind(0);
  std::vector<at::Tensor> sequence;
  sequence.reserve(static_cast<size_t>(steps));
  for (int64_t t = 0; t < steps; ++t) {
    stopIfAsked();
    const auto from_input =
        hook.inputTerm(t, !all_terms.empty() ? all_terms[static_cast<size_t>(t)] : inputTerms(input.sequence[t]));
    const auto recurrent =
        hook.recurrentTerm(t, hook.affine(emitted, weights.recurrent, weights.recurrent_bias), emitted);
    hook.preActivations(t, from_input, recurrent, emitted, carry);
    auto [hidden, next_carry] = step(kind, from_input, recurrent, carry);
    hidden = hook.emission(t, hidden);
    auto next =
        weights.projection.defined() ? hook.projected(t, at::matmul(hidden, weights.projection.t()), hidden) : hidden;
    if (input.active.defined()) {
      const auto active = repeatRows(input.active[t], next.size(0));
      next = at::where(active, next, emitted);
      if (next_carry.defined()) next_carry = at::where(active, next_carry, carry);
    }
    emitted = next;
    carry = next_carry;
    sequence.push_back(emitted);
  }
  LayerOutput output{at::stack(sequence), emitted, {}, {}};
  if (kind == CellKind::lstm)
    output.carry = hook.finalCarry(carry);
  else
    output.raw_carry = carry;
  hook.end(input, output);
  return output;
}

RecurrentResult runCall(const RecurrentCall& call, const HookMaker& hooks, int64_t variants) {
  // Everything runs as [time, rows, width]; a leading variant dimension is folded into the rows.
  const int64_t rank = call.cell || call.batch_sizes.defined() ? 2 : 3;
  std::optional<Packing> packing;
  auto sequence = call.input;
  at::Tensor active;
  if (call.batch_sizes.defined()) {
    packing.emplace(call.batch_sizes);
    sequence = packing->unpack(sequence);
    active = packing->active(sequence.device());
  } else if (call.cell) {
    sequence = sequence.unsqueeze(-3);
  } else if (call.batch_first) {
    sequence = sequence.transpose(-3, -2);
  }
  const auto batch = sequence.size(-2);
  if (call.input.dim() > rank) sequence = sequence.transpose(0, 1).flatten(1, 2);
  const auto stateOf = [&](const at::Tensor& states, int64_t index) {
    const auto state = states.dim() > 3 ? states.select(1, index).flatten(0, 1) : states[index];
    return repeatRows(state, std::max(state.size(0), sequence.size(1)));
  };

  std::vector<at::Tensor> hidden, carry;
  for (int64_t layer = 0; layer < call.layers; ++layer) {
    std::vector<at::Tensor> outputs;
    for (int64_t direction = 0; direction < call.directions(); ++direction) {
      const auto index = layer * call.directions() + direction;
      LayerInput input{sequence, stateOf(call.hidden, index), {}, active};
      if (call.kind == CellKind::lstm) input.carry = stateOf(call.carry, index);
      if (direction == 1) {
        input.sequence = sequence.flip(0);
        if (active.defined()) input.active = active.flip(0);
      }
      const auto hook = hooks(static_cast<size_t>(index), input);
      auto output = runLayer(call.kind, call.weights.at(static_cast<size_t>(index)), input, *hook);
      outputs.push_back(direction == 1 ? output.sequence.flip(0) : output.sequence);
      hidden.push_back(output.hidden);
      if (output.carry.defined()) carry.push_back(output.carry);
    }
    if (outputs.size() == 2 && outputs[0].size(1) != outputs[1].size(1)) {
      auto& fewer = outputs[outputs[0].size(1) == batch ? 0 : 1];
      fewer = fewer.repeat({1, variants, 1});
    }
    sequence = outputs.size() == 1 ? outputs[0] : at::cat(outputs, -1);
  }

  const auto unfold = [&](const at::Tensor& rows, int64_t dim) { return rows.unflatten(dim, {variants, batch}); };
  const auto gather = [&](std::vector<at::Tensor> states) {
    const bool many =
        std::any_of(states.begin(), states.end(), [&](const at::Tensor& one) { return one.size(0) != batch; });
    for (auto& state : states) {
      if (many) state = unfold(repeatRows(state, variants * batch), 0);
    }
    return at::stack(states, many ? 1 : 0);
  };
  RecurrentResult result;
  if (sequence.size(1) != batch) sequence = unfold(sequence, 1).transpose(0, 1);
  if (packing)
    result.output = packing->pack(sequence);
  else if (call.cell)
    result.output = sequence.squeeze(-3);
  else
    result.output = call.batch_first ? sequence.transpose(-3, -2) : sequence;
  result.hidden = gather(hidden);
  if (call.kind == CellKind::lstm) result.carry = gather(carry);
  return result;
}

}  // namespace heft
