#include "engine/forward/runner.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
#include <sstream>
#include <system_error>

#include "data/memory.hpp"
#include "data/setting_name.hpp"
#include "data/stop.hpp"
#include "engine/forward/no_warnings.hpp"
#include "engine/forward/out_form.hpp"
#include "engine/forward/shape_draws.hpp"
#include "engine/forward/steady_products.hpp"
#include "engine/forward/vmap.hpp"
#include "engine/forward/weight_functions.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"
#include "model/observe.hpp"
#include "model/placement.hpp"

namespace heft {
namespace {

std::string describe(const c10::IValue& value) {
  std::ostringstream text;
  if (value.isTensor() && value.toTensor().defined()) {
    text << c10::toString(value.toTensor().scalar_type()) << value.toTensor().sizes();
  } else if (value.isInt() || value.isBool() || value.isDouble()) {
    text << value;
  } else if (value.isTensorList()) {
    text << value.toTensorVector().size() << " tensors";
  } else {
    return {};
  }
  return text.str();
}

std::string describeCall(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) {
  std::string text = op.schema().name() + "(";
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto one = describe(arguments[i]);
    if (one.empty()) continue;
    if (text.back() != '(') text += ", ";
    text += op.schema().arguments()[i].name() + " " + one;
  }
  return text + ")";
}

void collect(const c10::IValue& value, const std::string& path, std::vector<NamedOutput>& outputs) {
  const auto inside = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  if (value.isTensor()) {
    const auto& tensor = value.toTensor();
    if (tensor.defined() && (at::isFloatingType(tensor.scalar_type()) || tensor.is_complex())) {
      outputs.push_back({path, value.toTensor()});
    }
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i) collect(elements[i], inside(std::to_string(i)), outputs);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (size_t i = 0; i < elements.size(); ++i) collect(elements[i], inside(std::to_string(i)), outputs);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      std::ostringstream key;
      if (entry.key().isString())
        key << entry.key().toStringRef();
      else
        key << entry.key();
      collect(entry.value(), inside(key.str()), outputs);
    }
  } else if (value.isObject()) {
    const auto object = value.toObject();
    for (size_t i = 0; i < object->slots().size(); ++i) {
      collect(object->getSlot(i), inside(object->type()->getAttributeName(i)), outputs);
    }
  }
}

/// A place that an output or a check names: indices out of range say which index.
void checkIndices(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (op.schema().name() != "aten::embedding") return;
  const auto arguments = torch::jit::last(stack, op.schema().arguments().size());
  if (!arguments[0].isTensor() || !arguments[1].isTensor()) return;
  const auto& weight = arguments[0].toTensor();
  auto indices = arguments[1].toTensor();
  const BelowVmap plain;
  if (isBatched(indices)) indices = unwrap(indices);
  if (at::isFloatingType(indices.scalar_type())) {
    throw Error(Fault::input, "an embedding was given floating-point inputs; it expects integer tokens (int64)");
  }
  if (indices.numel() == 0) return;
  const auto low = indices.min().item<int64_t>();
  const auto high = indices.max().item<int64_t>();
  if (low >= 0 && high < weight.size(0)) return;
  throw Error(Fault::input, "token " + std::to_string(low < 0 ? low : high) + " is out of range: the embedding has " +
                                std::to_string(weight.size(0)) + " rows (0 to " + std::to_string(weight.size(0) - 1) +
                                ")");
}

/// Each output of several calls, stacked along a new first dimension.
std::vector<NamedOutput> stacked(const std::vector<std::vector<NamedOutput>>& steps, const char* calls) {
  std::vector<NamedOutput> outputs;
  for (size_t i = 0; !steps.empty() && i < steps[0].size(); ++i) {
    std::vector<at::Tensor> parts;
    for (const auto& step : steps) {
      if (step.size() != steps[0].size() || step[i].value.sizes() != steps[0][i].value.sizes()) {
        throw Error(Fault::unsupported, std::string("the outputs of ") + calls + " differ in shape; " +
                                            settingName("output-target") +
                                            " module:NAME scores what a submodule returns instead");
      }
      parts.push_back(step[i].value);
    }
    outputs.push_back({steps[0][i].path, at::stack(parts)});
  }
  return outputs;
}

}  // namespace

c10::IValue cloneValue(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? c10::IValue(value.toTensor().clone()) : value;
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements()) elements.push_back(cloneValue(element));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  return value.deepcopy();
}

void PlainHandler::call(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  if (callPlainForm(op, *stack, [this](const auto& plain, auto& arguments) { call(plain, &arguments); })) return;
  placeArguments(op, *stack, model_.parameters.front().value.device());
  // In scope until the operator is answered: the generators are this thread's so long.
  std::optional<RandomDraws::Turn> turn;
  if (draws_ != nullptr && drawsNumbers(op, *stack)) turn.emplace(*draws_, op, *stack);
  turn_ = turn ? &*turn : nullptr;
  if (!turn && !model_.native) model_.promoter.arguments(op, *stack);
  const auto given = torch::jit::last(*stack, op.schema().arguments().size()).vec();
  try {
    if (turn) return callByChance(op, *stack);
    checkIndices(op, *stack);
    if (derives_ && model_.functions && model_.functions->answer(model_, op, *stack)) return;
    if (answer(op, *stack)) return;
    op.callBoxed(stack);
  } catch (const Error& error) {
    if (failure_.empty()) failure_ = error.what();
    throw;
  } catch (const std::exception& error) {
    if (failure_.empty()) failure_ = describeCall(op, given) + ": " + firstLine(error.what());
    throw;
  }
  if (!model_.native) model_.promoter.results(op, *stack);
}

void PlainHandler::callByChance(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const bool small = !model_.native && std::none_of(model_.parameters.begin(), model_.parameters.end(),
                                                    [](const Parameter& one) { return one.stored == at::kDouble; });
  const auto drawn = drawByShape(op, stack, *turn_, small);
  if (drawn.done) {
    if (!model_.native) model_.promoter.results(op, stack);
    return;
  }
  const auto& left = drawn.in_its_place ? *drawn.in_its_place : op;
  if (drawn.in_its_place) turn_ = nullptr;
  // What makes tensors of nothing draws in the type that the model asks for.
  const auto arguments = torch::jit::last(stack, left.schema().arguments().size());
  const bool reads = std::any_of(arguments.begin(), arguments.end(),
                                 [](const c10::IValue& one) { return one.isTensor() || one.isTensorList(); });
  if (reads && !drawn.typed && !model_.native) model_.promoter.arguments(left, stack);
  if (answer(left, stack)) return;
  left.callBoxed(stack);
  if (!model_.native) model_.promoter.results(left, stack);
}

Runner::Runner(Model& model, Inputs inputs, RunnerOptions options)
    : model_(model),
      inputs_(std::move(inputs)),
      options_(std::move(options)),
      state_(model.module),
      draws_(std::make_unique<RandomDraws>(
          model.parameters.empty() ? c10::Device(c10::kCPU) : model.parameters.front().value.device(), options_.seed)),
      carried_(options_.carry, inputs_.names) {
  steadyProducts();
  if (!options_.module_name.empty()) observed_module_ = observeModule(model_.module, options_.module_name);
  if (!options_.stream) {
    if (!carried_.empty())
      throw Error(Fault::usage,
                  settingName("carry") + " hands outputs on from call to call: it needs " + settingName("stream"));
    return;
  }
  const bool steps = !inputs_.values.empty() && inputs_.values[0].isTensor() && inputs_.values[0].toTensor().dim() > 0;
  if (!steps)
    throw Error(Fault::input, settingName("stream") + " needs a first input of shape [steps, ...], one slice a call");
}

c10::IValue Runner::forward(std::vector<c10::IValue> values, c10::IValue& returned) {
  // The graph runs as it is written: optimising folds constants and fuses operators, which would hide weights from us.
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  const auto run = [&] {
    // What forward forks runs here and now: operators are answered on this thread alone.
    const auto here = [](const std::function<void()>& task) { task(); };
    const auto done = model_.module.get_method("forward").run_async(std::move(values), {}, here);
    done->waitAndThrow();
    return done->value();
  };
  if (options_.module_name.empty()) return returned = run();
  const ObserveScope scope(observed_module_);
  returned = run();
  return scope.seen();
}

namespace {

bool liesIn(const std::string& path, const std::string& whole) {
  return whole.empty() || path == whole || path.starts_with(whole + ".");
}

}  // namespace

/// What is handed on is scored where nothing else is there, or where it is asked for.
void Runner::dropCarried(std::vector<NamedOutput>& outputs, const std::vector<std::string>& paths) const {
  if (!options_.module_name.empty()) return;
  const auto dropped = [&](const NamedOutput& output) {
    if (!options_.element.empty() && liesIn(output.path, options_.element)) return false;
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) { return liesIn(output.path, path); });
  };
  if (options_.element.empty() && std::all_of(outputs.begin(), outputs.end(), dropped)) return;
  std::erase_if(outputs, dropped);
}

std::vector<NamedOutput> Runner::runOnce(PlainHandler& handler, const std::vector<c10::IValue>& values) {
  std::vector<c10::IValue> fresh;
  {
    const c10::impl::ExcludeDispatchKeyGuard plain(c10::DispatchKey::TESTING_ONLY_GenericMode);
    for (const auto& value : values) fresh.push_back(cloneValue(value));
  }
  handler.given(fresh);
  c10::IValue returned;
  if (!options_.stream) {
    std::vector<NamedOutput> outputs;
    collect(forward(fresh, returned), "", outputs);
    if (!ran_) fitting_ = fittingCarries(inputs_.names, values, returned);
    return outputs;
  }
  if (auto reset = model_.module.find_method("reset_states")) (*reset)({});
  const auto sequence = fresh[0].toTensor();
  std::vector<std::vector<NamedOutput>> steps;
  for (int64_t step = 0; step < sequence.size(0); ++step) {
    auto call = fresh;
    call[0] = sequence[step];
    steps.emplace_back();
    collect(forward(call, returned), "", steps.back());
    if (!ran_ && step == 0) fitting_ = fittingCarries(inputs_.names, call, returned);
    if (carried_.empty()) continue;
    dropCarried(steps.back(), carried_.paths(returned));
    carried_.hand(returned, fresh);
  }
  return stacked(steps, "streamed calls");
}

std::vector<NamedOutput> Runner::runDraws(PlainHandler& handler, const std::vector<c10::IValue>& values) {
  std::vector<std::vector<NamedOutput>> all;
  for (int64_t draw = 0; draw < count_; ++draw) {
    if (draw > 0) {
      const c10::impl::ExcludeDispatchKeyGuard plain(c10::DispatchKey::TESTING_ONLY_GenericMode);
      state_.restore();
      handler.restarted();
    }
    draws_->begin(draw);
    all.push_back(runOnce(handler, values));
    draws_->end();
  }
  ran_ = true;
  return count_ == 1 ? std::move(all[0]) : stacked(all, "several draws");
}

std::vector<NamedOutput> Runner::run(PlainHandler& handler, const std::vector<c10::IValue>& values) {
  state_.restore();
  const NoWarnings no_warnings;
  std::vector<NamedOutput> outputs;
  handler.drawFrom(draws_.get());
  try {
    const InterceptScope scope(handler);
    outputs = runDraws(handler, values);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::system_error&) {  // a thread that could not be started is not the model's fault
    throw;
  } catch (const std::exception& error) {
    stopIfAsked();  // the interpreter has made another exception of what an operator threw
    const std::string why = handler.failure().empty() ? firstLine(error.what()) : handler.failure();
    if (saysOutOfMemory(error.what()) || saysOutOfMemory(why)) {
      throw Error(Fault::memory, "forward needs more memory than there is (" + why +
                                     "); give fewer or shorter inputs, or a machine with more");
    }
    throw Error(Fault::input, "the model's forward failed on these inputs: " + why);
  }
  if (outputs.empty()) {
    throw Error(Fault::unsupported,
                "forward returned no floating-point or complex tensor, so there is nothing to measure; "
                "" + settingName("output-target") +
                    " module:NAME scores what a submodule returns");
  }
  return outputs;
}

}  // namespace heft
