#include "engine/units/unit_tracer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>

#include "engine/sites/linear_call.hpp"
#include "engine/units/operators.hpp"
#include "engine/units/unit_runner.hpp"

namespace heft {
namespace {

/// More features than this that meet in one position are no unit any more: each would need a run of its own.
constexpr int64_t kMostColours = 16;

/// Which features meet in a position: disjoint sets that are joined.
class Meetings {
 public:
  void resize(int64_t features) {
    parent_.resize(static_cast<size_t>(features));
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
  }
  int64_t find(int64_t feature) {
    auto& parent = parent_[static_cast<size_t>(feature)];
    if (parent != feature) parent = find(parent);
    return parent;
  }
  void join(int64_t a, int64_t b) { parent_[static_cast<size_t>(find(a))] = find(b); }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(parent_.size()); }

 private:
  std::vector<int64_t> parent_;
};

/// Where a tensor stands among an operator's arguments.
struct Place {
  size_t argument = 0;
  int64_t element = -1;
};

struct Operand {
  Place place;
  at::Tensor tensor;
  at::Tensor label;  ///< int64, the tensor's shape: the feature each position comes from, -1 for none
};

/// What is known of one parameter while forward runs.
struct Trace {
  bool valid = true;
  bool bends = false;
  std::optional<UnitAxis> axis;
  Meetings meetings;
  std::set<int64_t> tokens;  ///< rows that an embedding looked up
  std::vector<std::pair<ExitPoint, at::Tensor>> exits;
};

std::vector<std::pair<Place, at::Tensor>> tensorsOf(const std::vector<c10::IValue>& arguments) {
  std::vector<std::pair<Place, at::Tensor>> tensors;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& value = arguments[i];
    if (value.isTensor() && value.toTensor().defined()) {
      tensors.push_back({{i, -1}, value.toTensor()});
    } else if (value.isTensorList()) {
      const auto list = value.toTensorVector();
      for (size_t j = 0; j < list.size(); ++j) tensors.push_back({{i, static_cast<int64_t>(j)}, list[j]});
    } else if (value.isList()) {
      const auto list = value.toListRef();
      for (size_t j = 0; j < list.size(); ++j) {
        if (list[j].isTensor() && list[j].toTensor().defined())
          tensors.push_back({{i, static_cast<int64_t>(j)}, list[j].toTensor()});
      }
    }
  }
  return tensors;
}

class Tracer : public PlainHandler {
 public:
  explicit Tracer(Model& model) : PlainHandler(model), traces_(model.parameters.size()) {}

  /// What left the units through forward's outputs.
  void takeOutputs(const std::vector<NamedOutput>& outputs);
  [[nodiscard]] UnitPlan plan();

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  /// One call, as it is looked at.
  struct Call {
    const c10::OperatorHandle& op;
    int64_t index;
    std::vector<c10::IValue> arguments;
    std::vector<c10::IValue> results;
  };

  Trace& trace(int64_t parameter) { return traces_[static_cast<size_t>(parameter)]; }
  [[nodiscard]] at::Tensor elementsOf(int64_t parameter, const at::Tensor& view) const;
  void step(const Call& call, int64_t parameter, const std::vector<Operand>& operands,
            const std::vector<Place>& starts);
  bool stepPointwise(const Call& call, int64_t parameter, std::vector<Operand> operands);
  bool stepPositional(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  bool start(const Call& call, int64_t parameter, const std::vector<Place>& starts);
  void leave(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  void feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result, const at::Tensor& label);
  void attach(const at::Tensor& tensor, int64_t parameter, at::Tensor label);
  std::optional<UnitParameter> unitsOf(int64_t parameter, const std::vector<ExitPoint>& exits);

  std::vector<Trace> traces_;
  struct Known {
    at::Tensor tensor;  ///< kept alive, so that its address stays its identity
    std::map<int64_t, at::Tensor> labels;
  };
  std::unordered_map<const void*, Known> known_;
  int64_t calls_ = 0;
};

bool Tracer::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().arguments().size();
  Call call{op, calls_++, torch::jit::last(stack, count).vec(), {}};
  op.callBoxed(stack);
  if (!model_.native) model_.promoter.results(op, stack);
  call.results = torch::jit::last(stack, op.schema().returns().size()).vec();

  std::map<int64_t, std::vector<Operand>> operands;
  std::map<int64_t, std::vector<Place>> starts;
  for (const auto& [place, tensor] : tensorsOf(call.arguments)) {
    const auto found = known_.find(tensor.unsafeGetTensorImpl());
    if (found != known_.end()) {
      for (const auto& [parameter, label] : found->second.labels) operands[parameter].push_back({place, tensor, label});
    }
    const auto parameter = parameterOf(model_, tensor);
    if (parameter >= 0) starts[parameter].push_back(place);
  }
  for (const auto& [parameter, places] : starts) operands[parameter];
  for (const auto& [parameter, some] : operands) {
    if (trace(parameter).valid) step(call, parameter, some, starts[parameter]);
  }
  return true;
}

at::Tensor Tracer::elementsOf(int64_t parameter, const at::Tensor& view) const {
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  if (!value.is_contiguous()) return {};
  return at::arange(value.numel(), at::kLong)
      .as_strided(view.sizes(), view.strides(), view.storage_offset() - value.storage_offset())
      .contiguous();
}

void Tracer::attach(const at::Tensor& tensor, int64_t parameter, at::Tensor label) {
  auto& known = known_[tensor.unsafeGetTensorImpl()];
  known.tensor = tensor;
  known.labels[parameter] = std::move(label);
}

void Tracer::step(const Call& call, int64_t parameter, const std::vector<Operand>& operands,
                  const std::vector<Place>& starts) {
  if (!starts.empty()) {
    // A view of a parameter is still the parameter; whoever reads it will be looked at.
    const auto still = [&](const std::pair<Place, at::Tensor>& one) {
      return parameterOf(model_, one.second) == parameter;
    };
    const auto results = tensorsOf(call.results);
    if (operands.empty() && !results.empty() && std::all_of(results.begin(), results.end(), still)) {
      trace(parameter).valid &= !writesArgument(call.op, 0);
      return;
    }
    if (results.empty()) return;  // a size
  }
  const auto reach = reachOf(call.op);
  if (reach != Reach::mixing) {
    auto all = operands;
    for (const auto& place : starts) {
      const auto& value = call.arguments[place.argument];
      const auto tensor =
          place.element < 0 ? value.toTensor() : value.toTensorVector()[static_cast<size_t>(place.element)];
      const auto label = elementsOf(parameter, tensor);
      auto& own = trace(parameter);
      const auto features = model_.parameters[static_cast<size_t>(parameter)].value.numel();
      if (!label.defined() || (own.axis && *own.axis != UnitAxis::elements)) {
        own.valid = false;
        return;
      }
      if (!own.axis) own.meetings.resize(features);
      own.axis = UnitAxis::elements;
      all.push_back({place, tensor, label});
    }
    const bool done =
        reach == Reach::pointwise ? stepPointwise(call, parameter, all) : stepPositional(call, parameter, all);
    if (done) return;
    if (!starts.empty()) {
      trace(parameter).valid = false;
      return;
    }
  } else if (!starts.empty() && !start(call, parameter, starts)) {
    trace(parameter).valid = false;
    return;
  }
  leave(call, parameter, operands);
}

bool Tracer::stepPointwise(const Call& call, int64_t parameter, std::vector<Operand> operands) {
  if (call.results.size() != 1 || !call.results[0].isTensor()) return false;
  const auto& result = call.results[0].toTensor();
  const bool in_place = writesArgument(call.op, 0);
  if (in_place && operands[0].place.argument != 0) return false;
  const auto same = [&](const Operand& one) { return one.tensor.sizes() == result.sizes(); };
  if (operands.size() > 1 && !std::all_of(operands.begin(), operands.end(), same)) return false;
  auto& own = trace(parameter);
  auto label = operands[0].label.expand(result.sizes()).contiguous();
  for (size_t i = 1; i < operands.size(); ++i) {
    const auto other = operands[i].label.contiguous();
    const auto* a = label.const_data_ptr<int64_t>();
    const auto* b = other.const_data_ptr<int64_t>();
    for (int64_t position = 0; position < label.numel(); ++position) {
      if (a[position] >= 0 && b[position] >= 0 && a[position] != b[position])
        own.meetings.join(a[position], b[position]);
    }
    // Other views of what is written to would not know of positions that the first operand did not have.
    if (in_place && label.lt(0).logical_and(other.ge(0)).any().item<bool>()) return false;
    label = at::where(label.ge(0), label, other);
  }
  const auto name = plainName(call.op);
  own.bends |= operands.size() > 1 ? !isAdditive(name) : !isLinearInEach(name);
  attach(result, parameter, label);
  return true;
}

bool Tracer::stepPositional(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  if (writesArgument(call.op, 0)) return false;
  // What gives the shape alone (expand_as's other) must not be followed.
  for (const auto& operand : operands) {
    if (operand.place.argument != 0) return false;
  }
  auto stack = call.arguments;
  for (auto& value : stack) {
    if (!value.isTensorList()) continue;
    auto list = value.toTensorVector();
    for (auto& tensor : list) tensor = at::full(tensor.sizes(), -1, at::kLong);
    value = c10::IValue(list);
  }
  for (const auto& operand : operands) {
    auto& value = stack[operand.place.argument];
    if (operand.place.element < 0) {
      value = operand.label;
      continue;
    }
    auto list = value.toTensorVector();
    list[static_cast<size_t>(operand.place.element)] = operand.label;
    value = c10::IValue(list);
  }
  call.op.callBoxed(&stack);
  const auto labels = tensorsOf(stack);
  const auto results = tensorsOf(call.results);
  if (labels.size() != results.size()) return false;
  for (size_t i = 0; i < labels.size(); ++i) attach(results[i].second, parameter, labels[i].second);
  return true;
}

void Tracer::leave(const Call& call, int64_t parameter, const std::vector<Operand>& operands) {
  for (const auto& operand : operands) {
    if (writesArgument(call.op, operand.place.argument)) {
      trace(parameter).valid = false;
      return;
    }
    trace(parameter).exits.push_back(
        {ExitPoint{call.index, static_cast<int64_t>(operand.place.argument), operand.place.element}, operand.label});
  }
}

void Tracer::feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result,
                  const at::Tensor& label) {
  auto& own = trace(parameter);
  if (own.axis && *own.axis != axis) {
    own.valid = false;
    return;
  }
  if (!own.axis) own.meetings.resize(features);
  own.axis = axis;
  attach(result, parameter, label.expand(result.sizes()).contiguous());
}

bool Tracer::start(const Call& call, int64_t parameter, const std::vector<Place>& starts) {
  if (starts.size() != 1 || starts[0].element >= 0 || call.results.size() != 1 || !call.results[0].isTensor())
    return false;
  const auto argument = static_cast<int>(starts[0].argument);
  const auto view = call.arguments[starts[0].argument].toTensor();
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  const auto& result = call.results[0].toTensor();
  const auto name = plainName(call.op);
  /// The elements of a vector, running along dimension `dim` of the result.
  const auto feedAlong = [&](int64_t dim) {
    const auto label = elementsOf(parameter, view);
    if (!label.defined() || view.dim() != 1 || view.size(0) != result.size(dim)) return false;
    std::vector<int64_t> shape(static_cast<size_t>(result.dim()), 1);
    shape[static_cast<size_t>(dim)] = view.size(0);
    feed(parameter, UnitAxis::elements, value.numel(), result, label.view(shape));
    return true;
  };
  if (const auto linear = parseLinearCall(call.op, call.arguments)) {
    if (argument == linear->bias_argument) return feedAlong(result.dim() - 1);
    if (argument != linear->weight_argument) return false;
    const auto block = blockOf(model_, linear->weight);
    if (block.parameter < 0 || linear->weight.size(0) != result.size(-1)) return false;
    const auto first = block.transposed ? block.first_column : block.first_row;
    feed(parameter, block.transposed ? UnitAxis::columns : UnitAxis::rows, value.size(block.transposed ? 1 : 0), result,
         at::arange(first, first + result.size(-1), at::kLong));
    return true;
  }
  if (name == "conv1d" || name == "conv2d" || name == "conv3d") {
    const auto dim = result.dim() == call.arguments[1].toTensor().dim() ? 1 : 0;
    if (argument == 2) return feedAlong(dim);
    if (argument != 1 || wholeParameter(model_, view) < 0) return false;
    std::vector<int64_t> shape(static_cast<size_t>(result.dim()), 1);
    shape[static_cast<size_t>(dim)] = view.size(0);
    feed(parameter, UnitAxis::rows, view.size(0), result, at::arange(view.size(0), at::kLong).view(shape));
    return true;
  }
  if (name == "embedding" && argument == 0 && wholeParameter(model_, view) >= 0) {
    const auto tokens = call.arguments[1].toTensor().to(at::kCPU, at::kLong).contiguous();
    trace(parameter).tokens.insert(tokens.const_data_ptr<int64_t>(), tokens.const_data_ptr<int64_t>() + tokens.numel());
    feed(parameter, UnitAxis::columns, view.size(1), result, at::arange(view.size(1), at::kLong));
    return true;
  }
  if (name == "layer_norm" && (argument == 2 || argument == 3)) {
    const auto label = elementsOf(parameter, view);
    if (!label.defined()) return false;
    feed(parameter, UnitAxis::elements, value.numel(), result, label);
    return true;
  }
  if ((name == "batch_norm" || name == "instance_norm") && (argument == 1 || argument == 2)) return feedAlong(1);
  if (name == "group_norm" && (argument == 2 || argument == 3)) return feedAlong(1);
  return false;
}

void Tracer::takeOutputs(const std::vector<NamedOutput>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto found = known_.find(outputs[i].value.unsafeGetTensorImpl());
    if (found != known_.end()) {
      for (const auto& [parameter, label] : found->second.labels)
        trace(parameter).exits.push_back({ExitPoint{ExitPoint::kOutput, static_cast<int64_t>(i), -1}, label});
    }
    const auto parameter = parameterOf(model_, outputs[i].value);
    if (parameter >= 0) trace(parameter).valid = false;
  }
  known_.clear();
}

std::optional<UnitParameter> Tracer::unitsOf(int64_t parameter, const std::vector<ExitPoint>& exits) {
  auto& own = trace(parameter);
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  UnitParameter planned;
  planned.parameter = parameter;
  planned.axis = own.axis.value();
  const auto features = own.meetings.size();
  std::vector<std::vector<int64_t>> members;
  std::vector<int64_t> unit_of(static_cast<size_t>(features), -1);
  for (int64_t feature = 0; feature < features; ++feature) {
    auto& unit = unit_of[static_cast<size_t>(own.meetings.find(feature))];
    if (unit < 0) {
      unit = static_cast<int64_t>(members.size());
      members.emplace_back();
    }
    members[static_cast<size_t>(unit)].push_back(feature);
    planned.colours = std::max(planned.colours, static_cast<int64_t>(members[static_cast<size_t>(unit)].size()));
  }
  if (planned.colours > kMostColours) return std::nullopt;
  planned.units = static_cast<int64_t>(members.size());
  planned.feature.assign(static_cast<size_t>(planned.units * planned.colours), -1);
  for (size_t unit = 0; unit < members.size(); ++unit)
    std::copy(members[unit].begin(), members[unit].end(),
              planned.feature.begin() + static_cast<int64_t>(unit) * planned.colours);
  const auto all = planned.axis == UnitAxis::elements ? 1 : value.numel() / features;
  for (int64_t variant = 0; variant < all; ++variant) {
    if (own.tokens.empty() || own.tokens.contains(variant)) planned.variants.push_back(variant);
  }
  for (const auto& [point, label] : own.exits) {
    auto unit = label.contiguous().flatten().clone();
    auto* at = unit.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < unit.numel(); ++i) {
      if (at[i] >= 0) at[i] = unit_of[static_cast<size_t>(own.meetings.find(at[i]))];
    }
    const auto index = static_cast<size_t>(std::lower_bound(exits.begin(), exits.end(), point) - exits.begin());
    planned.exits.push_back({index, unit});
  }
  return planned;
}

UnitPlan Tracer::plan() {
  UnitPlan plan;
  const auto worthIt = [](const Trace& one) { return one.valid && one.bends && one.axis && !one.exits.empty(); };
  std::set<ExitPoint> exits;
  for (const auto& one : traces_) {
    if (!worthIt(one)) continue;
    for (const auto& [point, label] : one.exits) exits.insert(point);
  }
  plan.exits.assign(exits.begin(), exits.end());
  for (size_t p = 0; p < traces_.size(); ++p) {
    if (!worthIt(traces_[p])) continue;
    if (auto units = unitsOf(static_cast<int64_t>(p), plan.exits)) plan.parameters.push_back(std::move(*units));
  }
  return plan;
}

/// True when weights of the first variant, set to zero, can be run together.
bool runs(Runner& runner, UnitRunner& units, const UnitParameter& parameter) {
  Change change{parameter.parameter, {}, {}};
  const auto& value = runner.model().parameters[static_cast<size_t>(parameter.parameter)].value;
  for (const auto& weight : parameter.weights(value, parameter.variants.at(0), 0)) {
    change.index.push_back(weight.flat);
    change.value.push_back(0);
  }
  const std::vector<Variant> variants{{{change}}};
  try {
    units.run(parameter, variants);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

}  // namespace

UnitPlan planUnits(Runner& runner) {
  const at::NoGradGuard no_grad;
  Tracer tracer(runner.model());
  const auto outputs = runner.run(tracer);
  tracer.takeOutputs(outputs);
  auto plan = tracer.plan();
  if (plan.parameters.empty()) return plan;
  UnitRunner units(runner, plan);
  std::erase_if(plan.parameters, [&](const UnitParameter& one) { return !runs(runner, units, one); });
  if (plan.parameters.empty()) plan.exits.clear();
  return plan;
}

}  // namespace heft
