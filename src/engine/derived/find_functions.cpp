#include "engine/derived/find_functions.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/cells/linear_call.hpp"
#include "engine/cells/recurrent_call.hpp"
#include "model/constants.hpp"

namespace heft {
namespace {

/// Weights of a derived tensor, at most: finding what they follow runs their function some dozens of times.
constexpr int64_t kMostWeights = int64_t{1} << 25;

/// True when a recurrent operator reads the tensor as one of its weights, and not as a state.
bool isRecurrentWeight(const RecurrentCall& call, const at::Tensor& tensor) {
  const auto is = [&](const at::Tensor& one) { return one.defined() && one.is_same(tensor); };
  return std::any_of(call.weights.begin(), call.weights.end(), [&](const CellWeights& one) {
    return is(one.input) || is(one.recurrent) || is(one.input_bias) || is(one.recurrent_bias) || is(one.projection);
  });
}

/// Plain attributes of a module and of those in it.
std::map<const void*, std::string> plainAttributes(const torch::jit::Module& module) {
  std::map<const void*, std::string> names;
  for (const auto& part : module.named_modules()) {
    const auto object = part.value._ivalue();
    const auto type = object->type();
    for (size_t i = 0; i < object->slots().size(); ++i) {
      const auto& value = object->getSlot(i);
      if (type->is_parameter(i) || type->is_buffer(i) || !value.isTensor() || !value.toTensor().defined() ||
          !value.toTensor().has_storage())
        continue;
      names.emplace(value.toTensor().storage().data(),
                    (part.name.empty() ? "" : part.name + ".") + type->getAttributeName(i));
    }
  }
  return names;
}

}  // namespace

FunctionFinder::FunctionFinder(Model& model) : PlainHandler(model) {
  for (const auto& tensor : heldTensors(model)) keepConstant(tensor);
  attributes_ = plainAttributes(model.module);
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    const auto& value = model.parameters[p].value;
    // Parameters that share a storage are told apart by their places in it.
    if (value.has_storage()) known_[value.storage().data()] = {value, {Origin::Kind::parameter, 0, 0}};
  }
}

void FunctionFinder::keepConstant(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.storage().data() == nullptr) return;
  known_.try_emplace(tensor.storage().data(), Kept{tensor, {Origin::Kind::constant, 0, 0}});
}

void FunctionFinder::given(const std::vector<c10::IValue>& values) {
  for (const auto& value : values) {
    value.visit([&](const c10::IValue& one) {
      if (!one.isTensor() || !one.toTensor().defined() || !one.toTensor().has_storage()) return false;
      known_.erase(one.toTensor().storage().data());
      if (one.toTensor().dim() == 0) numbers_of_data_[one.toTensor().storage().data()] = one.toTensor();
      return false;
    });
  }
}

FunctionFinder::Origin FunctionFinder::originOf(const at::Tensor& tensor) const {
  if (tensor.numel() == 0) return {Origin::Kind::constant, 0, 0};
  if (!tensor.has_storage()) return {};
  const auto found = known_.find(tensor.storage().data());
  if (found == known_.end()) {
    const bool size = tensor.dim() == 0 && !numbers_of_data_.contains(tensor.storage().data());
    return {size ? Origin::Kind::constant : Origin::Kind::data, 0, 0};
  }
  if (found->second.origin.kind != Origin::Kind::parameter) return found->second.origin;
  const auto parameter = parameterOf(model_, tensor);
  return parameter < 0 ? Origin{Origin::Kind::constant, 0, 0} : Origin{Origin::Kind::parameter, parameter, 0};
}

/// True when what the operator gave, which lies on the stack, is memory of its own although its schema speaks of a view: a cast
/// to another type, a reshape that has to copy.
bool FunctionFinder::copies(const c10::OperatorHandle& op,
                            const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors,
                            const torch::jit::Stack& stack) const {
  const auto results = placedTensors(torch::jit::last(stack, op.schema().returns().size()).vec());
  const auto own = [&](const std::pair<ArgumentPlace, at::Tensor>& result) {
    return result.second.has_storage() && std::none_of(tensors.begin(), tensors.end(), [&](const auto& given) {
             return given.second.has_storage() && given.second.storage().data() == result.second.storage().data();
           });
  };
  return !numbers_ && !results.empty() && std::all_of(results.begin(), results.end(), own);
}

/// A recurrent layer or a lookup whose input is a constant is no function of weights that is worth following: it is where a model
/// starts from a state or a token of its own.
bool FunctionFinder::isStep(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) const {
  const auto& returns = op.schema().returns();
  const auto tensor = [](const c10::Argument& one) { return one.type()->kind() == c10::TypeKind::TensorType; };
  return !numbers_ && !looksAlone(op) && std::all_of(returns.begin(), returns.end(), tensor) &&
         !op.hasTag(at::Tag::nondeterministic_seeded) && plainName(op) != "embedding" &&
         !parseRecurrentCall(op, arguments);
}

bool FunctionFinder::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto arguments = torch::jit::last(stack, op.schema().arguments().size()).vec();
  const auto tensors = placedTensors(arguments);
  const bool writes = writesArguments(op);
  bool data = false, weights = false;
  for (const auto& [place, tensor] : tensors) {
    const auto kind = originOf(tensor).kind;
    data |= kind == Origin::Kind::data;
    weights |= kind == Origin::Kind::parameter || kind == Origin::Kind::call;
  }
  if (weights && !data && !writes && isStep(op, arguments)) {
    addCall(op, arguments, stack);
    return true;
  }
  if (data && !attributes_.empty()) noteAttributes(op, arguments);
  op.callBoxed(stack);
  if (!model_.native) model_.promoter.results(op, stack);
  if (weights && !data && !writes && looksAlone(op) && copies(op, tensors, stack)) {
    torch::jit::drop(stack, op.schema().returns().size());
    stack.insert(stack.end(), arguments.begin(), arguments.end());
    addCall(op, arguments, stack);
    return true;
  }
  if (weights && !looksAlone(op)) read(op, arguments, tensors);
  if (writes && (data || weights)) noteWrites(op, tensors);
  const auto& returns = op.schema().returns();
  numbers_ |= data && !returns.empty() && returns[0].type()->kind() == c10::TypeKind::NumberType;
  for (const auto& [place, tensor] : placedTensors(torch::jit::last(stack, returns.size()).vec())) {
    if (!data && !weights) keepConstant(tensor);
    if (data && tensor.dim() == 0 && tensor.has_storage()) numbers_of_data_[tensor.storage().data()] = tensor;
  }
  return true;
}

/// Whatever was written to is no constant any more, and no weight.
void FunctionFinder::noteWrites(const c10::OperatorHandle& op,
                                const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors) {
  for (const auto& [place, tensor] : tensors) {
    if (!writesArgument(op, static_cast<size_t>(place.argument)) || !tensor.has_storage()) continue;
    const auto origin = originOf(tensor);
    if (origin.kind == Origin::Kind::call) readers_[static_cast<size_t>(origin.index)].written = true;
    if (origin.kind == Origin::Kind::parameter) read_beside_.insert(origin.index);
    if (origin.kind == Origin::Kind::constant) known_.erase(tensor.storage().data());
  }
}

int64_t FunctionFinder::knownCall(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) const {
  const auto same = [&](const WeightOperand& operand, const at::Tensor& tensor) {
    return isOperand(model_, calls_, operand, tensor);
  };
  for (size_t call = 0; call < calls_.size(); ++call) {
    if (calls_[call].matches(op, arguments, same)) return static_cast<int64_t>(call);
  }
  return -1;
}

void FunctionFinder::addCall(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments,
                             torch::jit::Stack& stack) {
  auto call = knownCall(op, arguments);
  if (call < 0) {
    WeightCall fresh{op, arguments, {}, {}};
    call = std::ssize(calls_);
    for (const auto& [place, tensor] : placedTensors(arguments)) {
      const auto origin = originOf(tensor);
      WeightOperand operand{place, WeightOperand::Kind::constant, origin.index, origin.result, {}, {}};
      if (origin.kind == Origin::Kind::parameter) {
        operand.kind = WeightOperand::Kind::parameter;
        operand.form = formOf(tensor, model_.weights(origin.index).value);
        read_by_[origin.index].insert(call);
      } else if (origin.kind == Origin::Kind::call) {
        operand.kind = WeightOperand::Kind::call;
        operand.form = formOf(tensor, calls_[static_cast<size_t>(origin.index)].results[origin.result]);
        readers_[static_cast<size_t>(origin.index)].calls.insert(call);
      } else {
        operand.constant = tensor;
      }
      fresh.operands.push_back(std::move(operand));
    }
    op.callBoxed(stack);
    if (!model_.native) model_.promoter.results(op, stack);
    for (const auto& [place, tensor] : placedTensors(torch::jit::last(stack, op.schema().returns().size()).vec()))
      fresh.results.push_back(tensor.detach().contiguous());
    torch::jit::drop(stack, op.schema().returns().size());
    for (size_t result = 0; result < fresh.results.size(); ++result) {
      if (fresh.results[result].has_storage())
        known_[fresh.results[result].storage().data()] = {fresh.results[result], {Origin::Kind::call, call, result}};
    }
    calls_.push_back(std::move(fresh));
    readers_.emplace_back();
  } else {
    torch::jit::drop(stack, arguments.size());
  }
  for (const auto& result : calls_[static_cast<size_t>(call)].results) torch::jit::push(stack, result);
}

void FunctionFinder::read(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments,
                          const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors) {
  const bool mixes = reachOf(op, arguments) == Reach::mixing && !writesArguments(op);
  const auto recurrent = parseRecurrentCall(op, arguments);
  for (const auto& [place, tensor] : tensors) {
    const auto origin = originOf(tensor);
    if (origin.kind == Origin::Kind::parameter) read_beside_.insert(origin.index);
    if (origin.kind != Origin::Kind::call) continue;
    auto& readers = readers_[static_cast<size_t>(origin.index)];
    (mixes && (!recurrent || isRecurrentWeight(*recurrent, tensor)) ? readers.product : readers.other) = true;
  }
}

void FunctionFinder::noteAttributes(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) {
  const auto note = [&](const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.has_storage() || originOf(tensor).kind != Origin::Kind::constant) return;
    const auto found = attributes_.find(tensor.storage().data());
    if (found != attributes_.end()) attributes_read_.insert(found->second);
  };
  if (const auto recurrent = parseRecurrentCall(op, arguments)) {
    for (const auto& one : recurrent->weights) {
      note(one.input);
      note(one.recurrent);
    }
  } else if (const auto linear = parseLinearCall(op, arguments)) {
    note(linear->weight);
  } else if (plainName(op).starts_with("conv") && arguments.size() > 1 && arguments[1].isTensor()) {
    note(arguments[1].toTensor());
  }
}

void FunctionFinder::takeOutputs(const std::vector<NamedOutput>& outputs) {
  for (const auto& output : outputs) {
    const auto origin = originOf(output.value);
    if (origin.kind == Origin::Kind::call) readers_[static_cast<size_t>(origin.index)].other = true;
    if (origin.kind == Origin::Kind::parameter) read_beside_.insert(origin.index);
  }
}

std::set<int64_t> FunctionFinder::before(int64_t call) const {
  std::set<int64_t> all{call};
  for (const auto& operand : calls_[static_cast<size_t>(call)].operands) {
    if (operand.kind == WeightOperand::Kind::call) all.merge(before(operand.index));
  }
  return all;
}

std::set<int64_t> FunctionFinder::parametersOf(const std::set<int64_t>& calls) const {
  std::set<int64_t> parameters;
  for (const auto call : calls) {
    for (const auto& operand : calls_[static_cast<size_t>(call)].operands) {
      if (operand.kind == WeightOperand::Kind::parameter) parameters.insert(operand.index);
    }
  }
  return parameters;
}

FunctionFinder::Steps FunctionFinder::stepsWithout(const std::set<int64_t>& given_up) const {
  std::set<int64_t> all;
  for (size_t call = 0; call < calls_.size(); ++call) {
    if (!readers_[call].product) continue;
    auto own = before(static_cast<int64_t>(call));
    const auto parameters = parametersOf(own);
    const auto known = [&](int64_t parameter) { return !given_up.contains(parameter); };
    if (std::all_of(parameters.begin(), parameters.end(), known)) all.merge(own);
  }
  Steps steps{{all.begin(), all.end()}, {}};
  for (const auto call : steps.order) {
    auto one = calls_[static_cast<size_t>(call)];
    for (auto& operand : one.operands) {
      if (operand.kind == WeightOperand::Kind::call)
        operand.index = std::lower_bound(steps.order.begin(), steps.order.end(), operand.index) - steps.order.begin();
    }
    steps.calls.push_back(std::move(one));
  }
  return steps;
}

/// True when something beside the steps reads what the call gives.
bool FunctionFinder::leaves(int64_t call, const Steps& steps) const {
  const auto& readers = readers_[static_cast<size_t>(call)];
  const auto outside = [&](int64_t reader) {
    return !std::binary_search(steps.order.begin(), steps.order.end(), reader);
  };
  return readers.product || readers.other || readers.written ||
         std::any_of(readers.calls.begin(), readers.calls.end(), outside);
}

/// How a step's result follows each of its parameters; nothing where that is not weight by weight or row by row.
std::optional<std::vector<WeightLink>> FunctionFinder::linksOf(const Steps& steps, size_t step, size_t result) const {
  const auto& value = steps.calls[step].results[result];
  if (readers_[static_cast<size_t>(steps.order[step])].written || !at::isFloatingType(value.scalar_type()) ||
      value.dim() == 0 || value.numel() == 0 || value.numel() > kMostWeights)
    return std::nullopt;
  const WeightFunctions functions(steps.calls, {{step, result, {}}}, {});
  std::vector<WeightLink> links;
  for (const auto parameter : parametersOf(before(steps.order[step]))) {
    const auto& weights = model_.weights(parameter).value;
    if (!weights.is_contiguous()) return std::nullopt;
    auto link = findLink(weights.detach(), value, [&](const at::Tensor& other) {
      return functions.evaluate(model_, 0, {{parameter, other}});
    });
    if (!link) return std::nullopt;
    link->parameter = parameter;
    links.push_back(std::move(*link));
  }
  return links;
}

void FunctionFinder::derive() {
  const at::NoGradGuard no_grad;
  known_.clear();
  std::set<int64_t> given_up;
  for (auto steps = stepsWithout(given_up); !steps.order.empty(); steps = stepsWithout(given_up)) {
    std::vector<WeightFunctions::Source> sources;
    model_.derived.clear();
    bool whole = true;
    for (size_t step = 0; step < steps.order.size() && whole; ++step) {
      if (!leaves(steps.order[step], steps)) continue;
      const auto parameters = parametersOf(before(steps.order[step]));
      for (size_t result = 0; result < steps.calls[step].results.size() && whole; ++result) {
        auto links = linksOf(steps, step, result);
        whole = links.has_value();
        if (!whole) break;
        std::string names;
        for (auto& link : *links) {
          link.derived = sources.size();
          names += (names.empty() ? "" : ", ") + model_.weights(link.parameter).name;
        }
        model_.derived.push_back(
            {"what forward makes of " + names, {}, steps.calls[step].results[result], at::kDouble, false});
        sources.push_back({step, result, std::move(*links)});
      }
      if (!whole) given_up.insert(parameters.begin(), parameters.end());
    }
    if (!whole) continue;
    std::set<int64_t> hidden;
    for (const auto& [parameter, readers] : read_by_) {
      if (!read_beside_.contains(parameter) &&
          std::includes(steps.order.begin(), steps.order.end(), readers.begin(), readers.end()))
        hidden.insert(parameter);
    }
    model_.functions =
        std::make_shared<const WeightFunctions>(std::move(steps.calls), std::move(sources), std::move(hidden));
    return;
  }
  model_.derived.clear();
}

std::vector<std::string> deriveWeights(Runner& runner) {
  const at::NoGradGuard no_grad;
  FunctionFinder finder(runner.model());
  finder.takeOutputs(runner.run(finder));
  finder.derive();
  std::vector<std::string> notes;
  for (const auto& name : finder.attributesRead())
    notes.push_back(
        name +
        " is a plain attribute, neither a parameter nor a buffer, so its weights are not ranked; make it an "
        "nn.Parameter to rank them");
  return notes;
}

}  // namespace heft
