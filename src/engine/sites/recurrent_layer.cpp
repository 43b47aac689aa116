#include "engine/sites/recurrent_layer.hpp"

#include <ATen/ATen.h>

namespace heft {
namespace {

struct Step {
  at::Tensor hidden;
  at::Tensor carry;
};

Step step(CellKind kind, const at::Tensor& input, const at::Tensor& recurrent, const at::Tensor& carry) {
  switch (kind) {
    case CellKind::lstm: {
      const auto gates = (input + recurrent).chunk(4, 1);
      const auto next = gates[1].sigmoid() * carry + gates[0].sigmoid() * gates[2].tanh();
      return {gates[3].sigmoid() * next.tanh(), next};
    }
    case CellKind::gru: {
      const auto from_input = input.chunk(3, 1);
      const auto from_hidden = recurrent.chunk(3, 1);
      const auto reset = (from_input[0] + from_hidden[0]).sigmoid();
      const auto update = (from_input[1] + from_hidden[1]).sigmoid();
      const auto fresh = (from_input[2] + reset * from_hidden[2]).tanh();
      const auto next = (1 - update) * fresh + update * carry;
      return {next, next};
    }
    case CellKind::rnn_tanh: return {(input + recurrent).tanh(), {}};
    case CellKind::rnn_relu: return {(input + recurrent).relu(), {}};
  }
  return {};
}

/// x [rows..., in] times the transpose of weight [out, in], plus the bias if there is one.
at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  auto product = at::matmul(x, weight.t());
  return bias.defined() ? product + bias : product;
}

}  // namespace

LayerOutput runLayer(CellKind kind, const CellWeights& weights, const LayerInput& input, LayerHook& hook) {
  const auto steps = input.sequence.size(0);
  auto emitted = input.hidden;
  auto carry = kind == CellKind::lstm ? input.carry : input.hidden;
  hook.begin(emitted, carry);
  const auto input_terms = hook.inputTerms(affine(input.sequence, weights.input, weights.input_bias));
  std::vector<at::Tensor> sequence;
  sequence.reserve(static_cast<size_t>(steps));
  for (int64_t t = 0; t < steps; ++t) {
    const auto from_input = input_terms[t];
    const auto recurrent = hook.recurrentTerm(t, affine(emitted, weights.recurrent, weights.recurrent_bias), emitted);
    hook.preActivations(t, from_input, recurrent, emitted, carry);
    auto [hidden, next_carry] = step(kind, from_input, recurrent, carry);
    hidden = hook.emission(t, hidden);
    auto next = weights.projection.defined() ? hook.projected(t, at::matmul(hidden, weights.projection.t()), hidden) : hidden;
    if (input.active.defined()) {
      next = at::where(input.active[t], next, emitted);
      if (next_carry.defined()) next_carry = at::where(input.active[t], next_carry, carry);
    }
    emitted = next;
    carry = next_carry;
    sequence.push_back(emitted);
  }
  LayerOutput output{at::stack(sequence), emitted, {}, {}};
  if (kind == CellKind::lstm) output.carry = hook.finalCarry(carry);
  else output.raw_carry = carry;
  hook.end(input, output);
  return output;
}

namespace {

/// A packed sequence laid out as [time, batch, ...] and back.
class Packing {
 public:
  explicit Packing(const at::Tensor& batch_sizes) {
    const auto sizes = batch_sizes.to(at::kCPU, at::kLong).contiguous();
    const auto* size = sizes.const_data_ptr<int64_t>();
    time_ = sizes.numel();
    batch_ = size[0];
    std::vector<int64_t> places;
    for (int64_t t = 0; t < time_; ++t) {
      for (int64_t b = 0; b < size[t]; ++b) places.push_back(t * batch_ + b);
    }
    places_ = at::tensor(places, at::kLong);
  }

  /// [..., sum of lengths, width] -> [..., time, batch, width]; steps that aren't there are zero.
  [[nodiscard]] at::Tensor unpack(const at::Tensor& packed) const {
    auto shape = packed.sizes().vec();
    const auto width = shape.back();
    shape[shape.size() - 2] = time_ * batch_;
    auto padded = at::zeros(shape, packed.options()).index_copy(-2, places_.to(packed.device()), packed);
    shape.pop_back();
    shape.back() = time_;
    shape.push_back(batch_);
    shape.push_back(width);
    return padded.view(shape);
  }

  [[nodiscard]] at::Tensor pack(const at::Tensor& padded) const {
    return padded.flatten(-3, -2).index_select(-2, places_.to(padded.device()));
  }

  [[nodiscard]] at::Tensor active(const at::Device& device) const {
    auto mask = at::zeros({time_ * batch_}, at::kBool).index_fill(0, places_, true);
    return mask.view({time_, batch_, 1}).to(device);
  }

 private:
  int64_t time_ = 0;
  int64_t batch_ = 0;
  at::Tensor places_;
};

}  // namespace

RecurrentResult runCall(const RecurrentCall& call, const HookMaker& hooks, int64_t variants) {
  // Everything runs as [time, rows, width]; a leading variant dimension is folded into the rows.
  const bool many = variants > 0;
  std::optional<Packing> packing;
  auto sequence = call.input;
  at::Tensor active;
  if (call.batch_sizes.defined()) {
    packing.emplace(call.batch_sizes);
    sequence = packing->unpack(sequence);
    active = packing->active(sequence.device());
    if (many) active = active.repeat({1, variants, 1});
  } else if (call.cell) {
    sequence = sequence.unsqueeze(-3);
  } else if (call.batch_first) {
    sequence = sequence.transpose(-3, -2);
  }
  const auto batch = sequence.size(-2);
  if (many) sequence = sequence.transpose(0, 1).flatten(1, 2);
  const auto stateOf = [&](const at::Tensor& states, int64_t index) {
    return many ? states.select(1, index).flatten(0, 1) : states[index];
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
    sequence = outputs.size() == 1 ? outputs[0] : at::cat(outputs, -1);
  }

  const auto unfold = [&](const at::Tensor& rows, int64_t dim) { return rows.unflatten(dim, {variants, batch}); };
  const auto gather = [&](std::vector<at::Tensor> states) {
    if (many) {
      for (auto& state : states) state = unfold(state, 0);
    }
    return at::stack(states, many ? 1 : 0);
  };
  RecurrentResult result;
  if (many) sequence = unfold(sequence, 1).transpose(0, 1);
  if (packing) result.output = packing->pack(sequence);
  else if (call.cell) result.output = sequence.squeeze(-3);
  else result.output = call.batch_first ? sequence.transpose(-3, -2) : sequence;
  result.hidden = gather(hidden);
  if (call.kind == CellKind::lstm) result.carry = gather(carry);
  return result;
}

}  // namespace heft
