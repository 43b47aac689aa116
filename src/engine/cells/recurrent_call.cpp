#include "engine/cells/recurrent_call.hpp"

#include <ATen/ATen.h>

#include <map>
#include <sstream>

#include "engine/forward/random_draws.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

at::Tensor optionalTensor(const c10::IValue& value) { return value.isTensor() ? value.toTensor() : at::Tensor(); }

std::vector<CellWeights> groupWeights(const std::vector<at::Tensor>& flat, bool biases, bool projects) {
  std::vector<CellWeights> groups;
  const size_t size = 2 + (biases ? 2 : 0) + (projects ? 1 : 0);
  for (size_t i = 0; i + size <= flat.size(); i += size) {
    CellWeights weights;
    weights.input = flat[i];
    weights.recurrent = flat[i + 1];
    if (biases) {
      weights.input_bias = flat[i + 2];
      weights.recurrent_bias = flat[i + 3];
    }
    if (projects) weights.projection = flat[i + size - 1];
    groups.push_back(weights);
  }
  return groups;
}

RecurrentCall parseSequence(CellKind kind, bool packed, const std::vector<c10::IValue>& arguments) {
  RecurrentCall call;
  call.kind = kind;
  size_t at = 0;
  call.input = arguments[at++].toTensor();
  if (packed) call.batch_sizes = arguments[at++].toTensor();
  if (kind == CellKind::lstm) {
    const auto states = arguments[at++].toTensorVector();
    call.hidden = states.at(0);
    call.carry = states.at(1);
  } else {
    call.hidden = arguments[at++].toTensor();
  }
  const auto flat = arguments[at++].toTensorVector();
  const bool biases = arguments[at++].toBool();
  call.layers = arguments[at++].toInt();
  at += 2;  // dropout, train: off, or the operator is no site
  call.bidirectional = arguments[at++].toBool();
  if (!packed) call.batch_first = arguments[at].toBool();
  const bool projects = kind == CellKind::lstm && call.hidden.size(-1) != call.carry.size(-1);
  call.weights = groupWeights(flat, biases, projects);
  return call;
}

RecurrentCall parseCell(CellKind kind, const std::vector<c10::IValue>& arguments) {
  RecurrentCall call;
  call.kind = kind;
  call.cell = true;
  call.input = arguments[0].toTensor();
  if (kind == CellKind::lstm) {
    const auto states = arguments[1].toTensorVector();
    call.hidden = states.at(0).unsqueeze(0);
    call.carry = states.at(1).unsqueeze(0);
  } else {
    call.hidden = arguments[1].toTensor().unsqueeze(0);
  }
  call.weights.push_back({arguments[2].toTensor(), arguments[3].toTensor(), optionalTensor(arguments[4]),
                          optionalTensor(arguments[5]), at::Tensor()});
  return call;
}

void checkInput(const RecurrentCall& call) {
  const int64_t rank = call.cell || call.batch_sizes.defined() ? 2 : 3;
  std::ostringstream shape;
  shape << call.input.sizes();
  if (!at::isFloatingType(call.input.scalar_type())) {
    throw Error(Fault::input, "the " + cellName(call.kind) + " was given " + c10::toString(call.input.scalar_type()) +
                                  shape.str() + "; it expects floating-point inputs");
  }
  const auto width = call.weights.at(0).input.size(1);
  if (call.input.dim() != rank) {
    throw Error(Fault::input, "the " + cellName(call.kind) + " was given an input of shape " + shape.str() +
                                  "; it expects " + std::to_string(rank) + " dimensions, the last of size " +
                                  std::to_string(width));
  }
  if (call.input.size(-1) != width) {
    throw Error(Fault::input, "the " + cellName(call.kind) + " was given an input of shape " + shape.str() +
                                  "; its last dimension is expected to be " + std::to_string(width));
  }
}

}  // namespace

std::string cellName(CellKind kind) {
  switch (kind) {
    case CellKind::lstm:
      return "LSTM";
    case CellKind::gru:
      return "GRU";
    case CellKind::rnn_tanh:
      return "RNN (tanh)";
    case CellKind::rnn_relu:
      return "RNN (relu)";
  }
  return "?";
}

const std::vector<std::string>& gateNames(CellKind kind) {
  static const std::vector<std::string> lstm{"input", "forget", "cell", "output"};
  static const std::vector<std::string> gru{"reset", "update", "new"};
  static const std::vector<std::string> rnn{"hidden"};
  if (kind == CellKind::lstm) return lstm;
  return kind == CellKind::gru ? gru : rnn;
}

std::optional<RecurrentCall> parseRecurrentCall(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  static const std::map<std::string, CellKind> sequences{{"aten::lstm", CellKind::lstm},
                                                         {"aten::gru", CellKind::gru},
                                                         {"aten::rnn_tanh", CellKind::rnn_tanh},
                                                         {"aten::rnn_relu", CellKind::rnn_relu}};
  static const std::map<std::string, CellKind> cells{{"aten::lstm_cell", CellKind::lstm},
                                                     {"aten::gru_cell", CellKind::gru},
                                                     {"aten::rnn_tanh_cell", CellKind::rnn_tanh},
                                                     {"aten::rnn_relu_cell", CellKind::rnn_relu}};
  const auto& name = op.schema().name();
  const auto sequence = sequences.find(name);
  const auto cell = cells.find(name);
  if (sequence == sequences.end() && cell == cells.end()) return std::nullopt;
  const auto arguments = torch::jit::last(stack, op.schema().arguments().size()).vec();
  if (drawsNumbers(op, stack)) return std::nullopt;  // a dropout between layers, which a graph has baked in
  auto call = cell != cells.end() ? parseCell(cell->second, arguments)
                                  : parseSequence(sequence->second, op.schema().overload_name() == "data", arguments);
  checkInput(call);
  return call;
}

void pushRecurrentResult(const c10::OperatorHandle& op, const RecurrentCall& call, const RecurrentResult& result,
                         torch::jit::Stack& stack) {
  torch::jit::drop(stack, op.schema().arguments().size());
  if (!call.cell) torch::jit::push(stack, result.output);
  torch::jit::push(stack, call.cell ? result.hidden.squeeze(0) : result.hidden);
  if (call.kind == CellKind::lstm) torch::jit::push(stack, call.cell ? result.carry.squeeze(0) : result.carry);
}

}  // namespace heft
