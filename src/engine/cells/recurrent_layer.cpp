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

namespace {

/// What a call reads, as all layers run it: [time, rows, width]; a leading variant dimension is folded into the rows.
struct FoldedInput {
  at::Tensor sequence;
  at::Tensor active;  ///< [time, rows, 1], of packed sequences
  std::optional<Packing> packing;
  int64_t batch = 0;  ///< rows of one variant
};

FoldedInput foldInput(const RecurrentCall& call) {
  const int64_t rank = call.cell || call.batch_sizes.defined() ? 2 : 3;
  FoldedInput folded;
  auto sequence = call.input;
  if (call.batch_sizes.defined()) {
    folded.packing.emplace(call.batch_sizes);
    sequence = folded.packing->unpack(sequence);
    folded.active = folded.packing->active(sequence.device());
  } else if (call.cell) {
    sequence = sequence.unsqueeze(-3);
  } else if (call.batch_first) {
    sequence = sequence.transpose(-3, -2);
  }
  folded.batch = sequence.size(-2);
  if (call.input.dim() > rank) sequence = sequence.transpose(0, 1).flatten(1, 2);
  folded.sequence = sequence;
  return folded;
}

/// The state of layer x direction `index`, with at least `rows` rows.
at::Tensor stateOf(const at::Tensor& states, int64_t index, int64_t rows) {
  const auto state = states.dim() > 3 ? states.select(1, index).flatten(0, 1) : states[index];
  return repeatRows(state, std::max(state.size(0), rows));
}

/// Both directions' outputs side by side; one of them may have the rows of all variants and the other those of one.
at::Tensor joinDirections(std::vector<at::Tensor> outputs, int64_t batch, int64_t variants) {
  if (outputs.size() == 1) return outputs[0];
  if (outputs[0].size(1) != outputs[1].size(1)) {
    auto& fewer = outputs[outputs[0].size(1) == batch ? 0 : 1];
    fewer = fewer.repeat({1, variants, 1});
  }
  return at::cat(outputs, -1);
}

/// The states of all layers and directions, with the variants in a leading dimension where one of them has any.
at::Tensor gatherStates(std::vector<at::Tensor> states, int64_t batch, int64_t variants) {
  const bool many =
      std::any_of(states.begin(), states.end(), [&](const at::Tensor& one) { return one.size(0) != batch; });
  for (auto& state : states) {
    if (many) state = repeatRows(state, variants * batch).unflatten(0, {variants, batch});
  }
  return at::stack(states, many ? 1 : 0);
}

/// The last layer's sequence as the call gives it.
at::Tensor unfoldOutput(const RecurrentCall& call, const FoldedInput& folded, at::Tensor sequence, int64_t variants) {
  if (sequence.size(1) != folded.batch) sequence = sequence.unflatten(1, {variants, folded.batch}).transpose(0, 1);
  if (folded.packing) return folded.packing->pack(sequence);
  if (call.cell) return sequence.squeeze(-3);
  return call.batch_first ? sequence.transpose(-3, -2) : sequence;
}

}  // namespace

RecurrentResult runCall(const RecurrentCall& call, const HookMaker& hooks, int64_t variants) {
  const auto folded = foldInput(call);
  auto sequence = folded.sequence;
  std::vector<at::Tensor> hidden, carry;
  for (int64_t layer = 0; layer < call.layers; ++layer) {
    std::vector<at::Tensor> outputs;
    for (int64_t direction = 0; direction < call.directions(); ++direction) {
      const auto index = layer * call.directions() + direction;
      LayerInput input{sequence, stateOf(call.hidden, index, sequence.size(1)), {}, folded.active};
      if (call.kind == CellKind::lstm) input.carry = stateOf(call.carry, index, sequence.size(1));
      if (direction == 1) {
        input.sequence = sequence.flip(0);
        if (folded.active.defined()) input.active = folded.active.flip(0);
      }
      const auto hook = hooks(static_cast<size_t>(index), input);
      auto output = runLayer(call.kind, call.weights.at(static_cast<size_t>(index)), input, *hook);
      outputs.push_back(direction == 1 ? output.sequence.flip(0) : output.sequence);
      hidden.push_back(output.hidden);
      if (output.carry.defined()) carry.push_back(output.carry);
    }
    sequence = joinDirections(std::move(outputs), folded.batch, variants);
  }
  RecurrentResult result;
  result.output = unfoldOutput(call, folded, sequence, variants);
  result.hidden = gatherStates(std::move(hidden), folded.batch, variants);
  if (call.kind == CellKind::lstm) result.carry = gatherStates(std::move(carry), folded.batch, variants);
  return result;
}

}  // namespace heft
