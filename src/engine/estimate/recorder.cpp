#include "engine/estimate/recorder.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/estimate/differentiable_call.hpp"

namespace heft {
namespace {

/// How many open sequences of one cell are kept in mind when a call looks for the one it goes on with.
constexpr size_t kOpenSequences = 8;

at::Tensor addLeaf(const at::Tensor& output, at::Tensor& leaf) {
  leaf = at::zeros_like(output, at::MemoryFormat::Contiguous).requires_grad_(true);
  return output + leaf;
}

/// Calls an operator; `keep`: what comes out is a copy, since its derivative may need the result that forward writes into later.
void callKept(const c10::OperatorHandle& op, torch::jit::Stack& stack, bool keep) {
  callDifferentiably(op, stack);
  const auto& returns = op.schema().returns();
  if (!keep || std::any_of(returns.begin(), returns.end(), [](const auto& one) { return one.alias_info() != nullptr; }))
    return;
  for (auto result = stack.end() - std::ssize(returns); result != stack.end(); ++result) {
    if (result->isTensor() && result->toTensor().requires_grad()) *result = result->toTensor().clone();
  }
}

/// The rows of `output`, numbered: int64 of its shape but for the last dimension.
at::Tensor rowsIn(const at::Tensor& output) {
  return at::arange(output.numel() / output.size(-1), at::kLong).view(output.sizes().slice(0, output.dim() - 1));
}

}  // namespace

RecordHandler::RecordHandler(Model& model, bool keep_arguments, const UnitPlan* plan, SiteOptions options)
    : PlainHandler(model, true), keep_arguments_(keep_arguments), options_(options), plan_(plan) {
  if (plan_ == nullptr || plan_->exits.empty()) return;
  auto exits = std::make_unique<ExitSite>(*plan_);
  exits_ = exits.get();
  sites_.push_back(std::move(exits));
}

int64_t RecordHandler::parameterAt(const at::Tensor& tensor) const {
  const auto index = parameterOf(model_, tensor);
  return index >= 0 && plan_ != nullptr && plan_->covers(index) ? -1 : index;
}

void RecordHandler::keepArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack) const {
  const auto& arguments = op.schema().arguments();
  const auto aliases = [](const c10::Argument& one) { return one.alias_info() != nullptr; };
  // Views and in-place operators must meet the very tensor.
  if (std::any_of(arguments.begin(), arguments.end(), aliases)) return;
  const auto keep = [&](const at::Tensor& tensor) {
    const bool copy = tensor.defined() && at::isFloatingType(tensor.scalar_type()) && parameterOf(model_, tensor) < 0;
    return copy ? tensor.clone() : tensor;
  };
  for (size_t i = stack.size() - arguments.size(); i < stack.size(); ++i) {
    if (stack[i].isTensor()) {
      stack[i] = keep(stack[i].toTensor());
    } else if (stack[i].isTensorList()) {
      auto list = stack[i].toTensorVector();
      for (auto& tensor : list) tensor = keep(tensor);
      stack[i] = c10::IValue(list);
    }
  }
}

/// An operator in place keeps its result for the adjoint, which a later one may overwrite: its plain form is run instead,
/// and the values are copied to where they belong.
bool RecordHandler::answerInPlace(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& schema = op.schema();
  const auto& name = schema.name();
  if (!keep_arguments_ || !name.ends_with('_') || name.ends_with("__") || name == "aten::copy_") return false;
  const auto plain = c10::Dispatcher::singleton().findSchema({name.substr(0, name.size() - 1), schema.overload_name()});
  if (!plain || plain->schema().arguments().size() != schema.arguments().size()) return false;
  if (plain->schema().returns().size() != 1 || plain->schema().returns()[0].alias_info() != nullptr) return false;
  auto arguments = torch::jit::last(stack, schema.arguments().size()).vec();
  for (auto& argument : arguments) {
    if (!argument.isTensor() || !argument.toTensor().defined()) continue;
    if (parameterAt(argument.toTensor()) >= 0) return false;
    if (at::isFloatingType(argument.toTensor().scalar_type())) argument = argument.toTensor().clone();
  }
  callDifferentiably(*plain, arguments);
  auto self = torch::jit::peek(stack, 0, schema.arguments().size()).toTensor();
  if (!arguments[0].isTensor() || arguments[0].toTensor().sizes() != self.sizes()) return false;
  writeDifferentiably(self, arguments[0].toTensor());
  torch::jit::drop(stack, schema.arguments().size());
  torch::jit::push(stack, self);
  return true;
}

void RecordHandler::remember(Front& front, const at::Tensor& output, const at::Tensor& positions) {
  sources_[output.storage().data()] = {&front, output, positions, static_cast<uint32_t>(output._version())};
}

at::Tensor RecordHandler::positionsOf(const at::Tensor& view, Front*& front) const {
  const auto found = sources_.find(view.storage().data());
  if (found == sources_.end() || view.dim() < 2) return {};
  const auto& source = found->second;
  const auto width = source.output.size(-1);
  const auto offset = view.storage_offset() - source.output.storage_offset();
  if (source.output._version() != source.version || view.size(-1) != width || view.stride(-1) != 1 ||
      offset % width != 0)
    return {};
  auto shape = view.sizes().vec();
  auto strides = view.strides().vec();
  shape.pop_back();
  strides.pop_back();
  for (auto& stride : strides) {
    if (stride % width != 0) return {};
    stride /= width;
  }
  front = source.front;
  return source.positions.flatten().as_strided(shape, strides, offset / width).contiguous();
}

void RecordHandler::rememberPacked(const at::Tensor& given, bool batch_first, const at::Tensor& packed,
                                   const at::Tensor& batch_sizes) {
  Front* front = nullptr;
  auto positions = positionsOf(given, front);
  if (!positions.defined() || positions.dim() != 2) return;
  if (batch_first) positions = positions.t();
  std::vector<at::Tensor> parts;
  for (int64_t t = 0; t < batch_sizes.size(0); ++t)
    parts.push_back(positions[t].narrow(0, 0, batch_sizes[t].item<int64_t>()));
  remember(*front, packed, at::cat(parts));
}

std::vector<Site*> RecordHandler::sites() const {
  std::vector<Site*> sites;
  for (const auto& site : sites_) sites.push_back(site.get());
  return sites;
}

bool RecordHandler::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const at::AutoGradMode grad(GraphScope::current() != GraphMode::none);
  const auto call = call_++;
  const auto& name = op.schema().name();
  if (name == "aten::detach" || name == "aten::detach_") return true;  // the argument is the result
  if (keep_arguments_) keepArguments(op, stack);
  if (exits_ != nullptr) exits_->leave(call, op.schema().arguments().size(), stack);
  if (!answerInPlace(op, stack) && !answerRecurrent(op, stack) && !answerLinear(op, stack) &&
      !answerEmbedding(op, stack) && !answerOther(op, stack)) {
    const auto arguments =
        name == "aten::_pack_padded_sequence" ? torch::jit::last(stack, 3).vec() : torch::jit::Stack();
    callKept(op, stack, keep_arguments_);
    if (!model_.native) model_.promoter.results(op, stack);
    if (!arguments.empty())
      rememberPacked(arguments[0].toTensor(), arguments[2].toBool(), torch::jit::peek(stack, 0, 2).toTensor(),
                     torch::jit::peek(stack, 1, 2).toTensor());
  }
  if (exits_ != nullptr) exits_->leaveResult(call, stack);
  return true;
}

RecurrentSite& RecordHandler::recurrentSite(const RecurrentCall& call, size_t index, const LayerInput& input,
                                            bool& linked) {
  const auto& weights = call.weights.at(index);
  auto& known = recurrent_[static_cast<const char*>(weights.input.storage().data()) + weights.input.storage_offset()];
  for (size_t i = 0; i < std::min(known.size(), kOpenSequences); ++i) {
    auto* site = known[known.size() - 1 - i];
    if (site->continuesWith(input)) {
      linked = true;
      return *site;
    }
  }
  linked = false;
  const auto role = [&](const at::Tensor& tensor) {
    return tensor.defined() ? wholeParameter(model_, tensor) : int64_t{-1};
  };
  const std::array<int64_t, 5> parameters{role(weights.input), role(weights.recurrent), role(weights.input_bias),
                                          role(weights.recurrent_bias), role(weights.projection)};
  const RecurrentSite::CallForm form{call.cell, call.batch_sizes.defined(), call.batch_first};
  auto site = std::make_unique<RecurrentSite>(cellName(call.kind), call.kind, weights, parameters, form, options_);
  auto* raw = site.get();
  sites_.push_back(std::move(site));
  known.push_back(raw);
  return *raw;
}

bool RecordHandler::answerRecurrent(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  auto call = parseRecurrentCall(op, stack);
  if (!call) return false;
  // Weights that are only part of a parameter can't be told by role: autograd follows them.
  for (auto& weights : call->weights) {
    for (auto* tensor :
         {&weights.input, &weights.recurrent, &weights.input_bias, &weights.recurrent_bias, &weights.projection}) {
      if (!tensor->defined() || wholeParameter(model_, *tensor) >= 0) continue;
      const auto parameter = parameterOf(model_, *tensor);
      if (parameter >= 0) *tensor = standIn(*tensor, parameter);
    }
  }
  std::vector<std::pair<RecurrentSite*, bool>> called;  // and whether they go on from an earlier call
  const auto result = runCall(*call, [&](size_t index, const LayerInput& input) {
    bool linked = false;
    auto& site = recurrentSite(*call, index, input, linked);
    called.emplace_back(&site, linked);
    return site.record(linked);
  });
  const auto directions = static_cast<size_t>(call->directions());
  for (size_t below = 0; below + directions < called.size(); ++below) {
    auto& site = *called[below].first;
    if (called[below].second || site.calls() > 1) continue;
    const auto width = call->weights[below].recurrent.size(1);
    for (size_t direction = 0; direction < directions; ++direction) {
      const auto above = (below / directions + 1) * directions + direction;
      site.addReader(*called[above].first, static_cast<int64_t>(below % directions) * width,
                     below % directions != direction);
    }
  }
  linkFront(*call, called);
  pushRecurrentResult(op, *call, result, stack);
  return true;
}

void RecordHandler::linkFront(const RecurrentCall& call, const std::vector<std::pair<RecurrentSite*, bool>>& called) {
  if (call.cell) return;
  Front* front = nullptr;
  auto positions = positionsOf(call.input, front);
  if (!positions.defined()) return;
  if (call.batch_sizes.defined()) {
    const auto sizes = call.batch_sizes.to(at::kCPU, at::kLong);
    auto padded = at::full({sizes.size(0), sizes[0].item<int64_t>()}, -1, at::kLong);
    int64_t next = 0;
    for (int64_t t = 0; t < sizes.size(0); ++t) {
      const auto count = sizes[t].item<int64_t>();
      padded[t].narrow(0, 0, count).copy_(positions.narrow(0, next, count));
      next += count;
    }
    positions = padded;
  } else if (call.batch_first) {
    positions = positions.t();
  }
  for (size_t direction = 0; direction < static_cast<size_t>(call.directions()); ++direction) {
    if (called[direction].second) continue;  // goes on from an earlier call
    front->addReader(*called[direction].first, direction == 0 ? positions : positions.flip(0));
  }
}

bool RecordHandler::answerLinear(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  auto call = parseLinearCall(op, stack);
  if (!call || parameterAt(call->input) >= 0 || parameterAt(call->weight) < 0) return false;
  const auto block = blockOf(model_, call->weight);
  if (block.parameter < 0) return false;

  int64_t bias_parameter = -1;
  int64_t first_bias = 0;
  auto& bias = call->bias;
  if (bias.defined()) {
    const auto index = parameterAt(bias);
    if (index >= 0) {
      const auto& value = model_.weights(index).value;
      if (value.dim() == 1 && bias.dim() == 1 && bias.stride(0) == 1 && value.is_contiguous()) {
        bias_parameter = index;
        first_bias = bias.storage_offset() - value.storage_offset();
      } else {
        bias = standIn(bias, index);
      }
    }
  }
  at::Tensor leaf;
  auto output = at::matmul(call->input, call->weight.t());
  if (bias.defined()) output = output + bias;
  output = addLeaf(output, leaf);
  sites_.push_back(std::make_unique<LinearSite>("linear", block, bias_parameter, first_bias,
                                                call->input.detach().reshape({-1, call->input.size(-1)}).clone(),
                                                leaf));
  const auto whole = [&](int64_t parameter, int64_t size) {
    return parameter < 0 || model_.weights(parameter).value.numel() == size;
  };
  if (whole(block.parameter, call->weight.numel()) && whole(bias_parameter, output.size(-1)))
    remember(static_cast<LinearSite&>(*sites_.back()).front(), output, rowsIn(output));
  torch::jit::drop(stack, op.schema().arguments().size());
  torch::jit::push(stack, output);
  return true;
}

bool RecordHandler::answerEmbedding(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (op.schema().name() != "aten::embedding") return false;
  const auto weight = torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  const auto tokens = torch::jit::peek(stack, 1, op.schema().arguments().size()).toTensor();
  const auto parameter = wholeParameter(model_, weight);
  if (parameter < 0 || parameterAt(weight) < 0) return false;
  at::Tensor leaf;
  const auto output = addLeaf(at::embedding(weight, tokens), leaf);
  sites_.push_back(std::make_unique<EmbeddingSite>("embedding", parameter, tokens, leaf));
  remember(static_cast<EmbeddingSite&>(*sites_.back()).front(), output, rowsIn(output));
  torch::jit::drop(stack, op.schema().arguments().size());
  torch::jit::push(stack, output);
  return true;
}

at::Tensor RecordHandler::standIn(const at::Tensor& tensor, int64_t parameter) {
  const auto& value = model_.weights(parameter).value;
  auto found = stand_ins_.find(parameter);
  if (found == stand_ins_.end()) {
    const auto leaf = value.detach().clone().requires_grad_(true);
    sites_.push_back(std::make_unique<GradientSite>("gradient", parameter, leaf));
    found = stand_ins_.emplace(parameter, leaf).first;
  }
  if (!value.is_contiguous()) return found->second;
  return found->second.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset() - value.storage_offset());
}

bool RecordHandler::answerOther(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (readsShapesAlone(op)) return false;
  const auto count = op.schema().arguments().size();
  const auto first = stack.size() - count;
  const auto hits = [&](const c10::IValue& value) {
    if (value.isTensor()) return parameterAt(value.toTensor()) >= 0;
    if (!value.isTensorList()) return false;
    const auto list = value.toTensorVector();
    return std::any_of(list.begin(), list.end(), [&](const at::Tensor& one) { return parameterAt(one) >= 0; });
  };
  if (!std::any_of(stack.begin() + static_cast<int64_t>(first), stack.end(), hits)) return false;

  const auto& returns = op.schema().returns();
  const bool may_be_view =
      !returns.empty() && returns[0].alias_info() != nullptr && !returns[0].alias_info()->isWrite();
  if (may_be_view) {
    // A view of a parameter is still the parameter; whoever reads it will be asked again. A view of something else has read the
    // parameter's shape alone.
    auto trial = torch::jit::last(stack, count).vec();
    const auto whose = trial[0];
    op.callBoxed(trial);
    const bool still = std::all_of(trial.begin(), trial.end(), [&](const c10::IValue& value) { return hits(value); });
    const bool of_another = whose.isTensor() && whose.toTensor().defined() && !hits(whose) && trial.size() == 1 &&
                            trial[0].isTensor() && trial[0].toTensor().is_alias_of(whose.toTensor());
    if (still || of_another) {
      torch::jit::drop(stack, count);
      for (auto& value : trial) torch::jit::push(stack, std::move(value));
      return true;
    }
  }
  for (size_t i = first; i < stack.size(); ++i) {
    if (!hits(stack[i])) continue;
    if (stack[i].isTensor()) {
      stack[i] = standIn(stack[i].toTensor(), parameterAt(stack[i].toTensor()));
    } else {
      auto list = stack[i].toTensorVector();
      for (auto& one : list) {
        const auto parameter = parameterAt(one);
        if (parameter >= 0) one = standIn(one, parameter);
      }
      stack[i] = c10::IValue(list);
    }
  }
  callKept(op, stack, keep_arguments_);
  if (!model_.native) model_.promoter.results(op, stack);
  return true;
}

}  // namespace heft
