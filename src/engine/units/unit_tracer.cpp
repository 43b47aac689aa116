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

struct Operand {
  ArgumentPlace place;
  at::Tensor tensor;
  at::Tensor label;      ///< int64, the tensor's shape: the feature each position comes from, -1 for none
  bool weights = false;  ///< the parameter itself
};

/// What is known of one parameter while forward runs.
struct Trace {
  bool valid = true;
  bool bends = false;
  std::optional<UnitAxis> axis;
  Meetings meetings;
  std::set<int64_t> tokens;  ///< rows that an embedding looked up
  struct Exit {
    ExitPoint point;
    at::Tensor label;
    int64_t row = 0;  ///< positions of a normalised row, where the exit may be a norm
  };
  std::vector<Exit> exits;
};

/// True when both read the same memory in the same way.
bool sameView(const at::Tensor& a, const at::Tensor& b) {
  return a.const_data_ptr() == b.const_data_ptr() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

std::vector<std::pair<ArgumentPlace, at::Tensor>> tensorsOf(const std::vector<c10::IValue>& arguments) {
  std::vector<std::pair<ArgumentPlace, at::Tensor>> tensors;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& value = arguments[i];
    if (value.isTensor() && value.toTensor().defined()) {
      tensors.push_back({{static_cast<int64_t>(i), -1}, value.toTensor()});
    } else if (value.isTensorList()) {
      const auto list = value.toTensorVector();
      for (size_t j = 0; j < list.size(); ++j)
        tensors.push_back({{static_cast<int64_t>(i), static_cast<int64_t>(j)}, list[j]});
    } else if (value.isList()) {
      const auto list = value.toListRef();
      for (size_t j = 0; j < list.size(); ++j) {
        if (list[j].isTensor() && list[j].toTensor().defined())
          tensors.push_back({{static_cast<int64_t>(i), static_cast<int64_t>(j)}, list[j].toTensor()});
      }
    }
  }
  return tensors;
}

at::Tensor tensorAt(const std::vector<c10::IValue>& arguments, const ArgumentPlace& place) {
  const auto& value = arguments[static_cast<size_t>(place.argument)];
  return place.element < 0 ? value.toTensor() : value.toTensorVector()[static_cast<size_t>(place.element)];
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
            const std::vector<ArgumentPlace>& starts);
  bool stepPointwise(const Call& call, int64_t parameter, std::vector<Operand> operands);
  bool stepPositional(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  [[nodiscard]] at::Tensor rowsOf(int64_t parameter, const at::Tensor& view) const;
  bool feedMatrix(int64_t parameter, const at::Tensor& weight, const at::Tensor& result);
  bool feedEinsum(const std::string& equation, int64_t parameter, const ArgumentPlace& place, const at::Tensor& view,
                  const at::Tensor& result);
  bool start(const Call& call, int64_t parameter, const std::vector<ArgumentPlace>& starts);
  void leave(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  void feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result, const at::Tensor& label);
  void attach(const at::Tensor& tensor, int64_t parameter, at::Tensor label);
  std::optional<UnitParameter> unitsOf(int64_t parameter, std::vector<ExitPoint>& points);

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
  std::map<int64_t, std::vector<ArgumentPlace>> starts;
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
                  const std::vector<ArgumentPlace>& starts) {
  if (!starts.empty()) {
    // A view of a parameter is still the parameter; whoever reads it will be looked at.
    const auto still = [&](const std::pair<ArgumentPlace, at::Tensor>& one) {
      return parameterOf(model_, one.second) == parameter;
    };
    const auto results = tensorsOf(call.results);
    if (operands.empty() && !results.empty() && std::all_of(results.begin(), results.end(), still)) {
      trace(parameter).valid &= !writesArgument(call.op, 0);
      return;
    }
    if (results.empty()) return;  // a size
  }
  // A norm's weight runs along one dimension, whatever its reach.
  const bool own_rule = !starts.empty() && plainName(call.op) == "batch_norm";
  const auto reach = own_rule ? Reach::mixing : reachOf(call.op, call.arguments);
  if (reach != Reach::mixing) {
    auto all = operands;
    for (const auto& place : starts) {
      const auto& value = call.arguments[static_cast<size_t>(place.argument)];
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
      all.push_back({place, tensor, label, true});
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
  // What is written to must be known under one name alone: other views of it would not know that it moves now.
  if (in_place && operands[0].place.argument != 0 && result.storage().use_count() > 1) return false;
  // A weight that is spread over positions feeds them all; features that are spread over others would meet them all.
  const auto fits = [&](const Operand& one) { return one.weights || one.tensor.sizes() == result.sizes(); };
  if (operands.size() > 1 && !std::all_of(operands.begin(), operands.end(), fits)) return false;
  auto& own = trace(parameter);
  auto label = operands[0].label.expand(result.sizes());
  for (size_t i = 1; i < operands.size(); ++i) {
    const auto other = operands[i].label.expand(result.sizes());
    if (sameView(label, other)) continue;
    const auto some = label.contiguous(), others = other.contiguous();
    const auto* a = some.const_data_ptr<int64_t>();
    const auto* b = others.const_data_ptr<int64_t>();
    bool missing = false;
    for (int64_t position = 0; position < some.numel(); ++position) {
      missing |= a[position] < 0 && b[position] >= 0;
      if (a[position] >= 0 && b[position] >= 0 && a[position] != b[position])
        own.meetings.join(a[position], b[position]);
    }
    if (in_place && missing) return false;
    if (missing) label = at::where(label.ge(0), label, other);
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
    auto& value = stack[static_cast<size_t>(operand.place.argument)];
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
    if (writesArgument(call.op, static_cast<size_t>(operand.place.argument))) {
      trace(parameter).valid = false;
      return;
    }
    Trace::Exit exit{{call.index, operand.place.argument, operand.place.element}, operand.label};
    if (plainName(call.op) == "layer_norm" && operand.place.argument == 0) {
      exit.row = c10::multiply_integers(call.arguments[1].toIntVector());
      trace(parameter).bends = true;
    }
    trace(parameter).exits.push_back(std::move(exit));
  }
}

void Tracer::feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result,
                  const at::Tensor& label) {
  auto& own = trace(parameter);
  if (own.axis && (*own.axis != axis || own.meetings.size() != features)) {
    own.valid = false;
    return;
  }
  if (!own.axis) own.meetings.resize(features);
  own.axis = axis;
  attach(result, parameter, label.expand(result.sizes()));
}

/// `weight` is [outputs, inputs], `result` [..., outputs].
bool Tracer::feedMatrix(int64_t parameter, const at::Tensor& weight, const at::Tensor& result) {
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  const auto block = blockOf(model_, weight);
  if (block.transposed) {
    feed(parameter, UnitAxis::columns, value.size(1), result,
         at::arange(block.first_column, block.first_column + weight.size(0), at::kLong));
    return true;
  }
  const auto rows = rowsOf(parameter, weight);
  if (!rows.defined()) return false;
  feed(parameter, UnitAxis::rows, value.numel() / value.size(-1), result, rows);
  return true;
}

/// The row of the parameter (all its dimensions but the last) that each row of a view of it is; undefined where the
/// view's last dimension does not run along the parameter's.
at::Tensor Tracer::rowsOf(int64_t parameter, const at::Tensor& view) const {
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  if (value.dim() < 2 || view.dim() < 2 || !value.is_contiguous() || view.numel() == 0) return {};
  const auto row = elementsOf(parameter, view).div(value.size(-1), "floor");
  const auto first = row.select(-1, 0);
  const bool along = view.size(-1) == 1 || view.stride(-1) == 1;
  return along && row.eq(first.unsqueeze(-1)).all().item<bool>() ? first : at::Tensor();
}

/// The weight's last dimension is summed over; its others stand in the result under the letters that it has there.
bool Tracer::feedEinsum(const std::string& equation, int64_t parameter, const ArgumentPlace& place,
                        const at::Tensor& view, const at::Tensor& result) {
  std::string text = equation;
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  if (arrow == std::string::npos || text.find('.') != std::string::npos || place.element < 0) return false;
  std::vector<std::string> given(1);
  for (const char letter : text.substr(0, arrow)) {
    if (letter == ',')
      given.emplace_back();
    else
      given.back() += letter;
  }
  const auto output = text.substr(arrow + 2);
  const auto& weight = given.at(static_cast<size_t>(place.element));
  if (static_cast<int64_t>(weight.size()) != view.dim() || view.dim() < 2) return false;
  if (output.find(weight.back()) != std::string::npos) return false;
  const auto rows = rowsOf(parameter, view);
  if (!rows.defined()) return false;
  std::vector<int64_t> order, shape;
  for (size_t i = 0; i < output.size(); ++i) {
    const auto at = weight.find(output[i]);
    if (at != std::string::npos) order.push_back(static_cast<int64_t>(at));
    shape.push_back(at == std::string::npos ? 1 : result.size(static_cast<int64_t>(i)));
  }
  if (order.size() + 1 != weight.size()) return false;
  const auto& value = model_.parameters[static_cast<size_t>(parameter)].value;
  feed(parameter, UnitAxis::rows, value.numel() / value.size(-1), result, rows.permute(order).reshape(shape));
  return true;
}

bool Tracer::start(const Call& call, int64_t parameter, const std::vector<ArgumentPlace>& starts) {
  if (starts.size() != 1 || call.results.size() != 1 || !call.results[0].isTensor()) return false;
  const auto argument = starts[0].argument;
  const auto view = tensorAt(call.arguments, starts[0]);
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
    if (starts[0] == linear->bias_place) return feedAlong(result.dim() - 1);
    if (starts[0] != linear->weight_place) return false;
    if (linear->weight.size(0) != result.size(-1)) return false;
    return feedMatrix(parameter, linear->weight, result);
  }
  if (name == "einsum") return feedEinsum(call.arguments[0].toStringRef(), parameter, starts[0], view, result);
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
        trace(parameter).exits.push_back({{ExitPoint::kOutput, static_cast<int64_t>(i), -1}, label});
    }
    const auto parameter = parameterOf(model_, outputs[i].value);
    if (parameter >= 0) trace(parameter).valid = false;
  }
  known_.clear();
}

/// Gives the features that have met a unit, and each its colour within it. False when units are too large.
bool numberUnits(Meetings& meetings, UnitParameter& planned, std::vector<int64_t>& unit_of) {
  std::vector<std::vector<int64_t>> members;
  std::vector<int64_t> unit_of_root(static_cast<size_t>(meetings.size()), -1);
  for (int64_t feature = 0; feature < meetings.size(); ++feature) {
    auto& unit = unit_of_root[static_cast<size_t>(meetings.find(feature))];
    if (unit < 0) {
      unit = static_cast<int64_t>(members.size());
      members.emplace_back();
    }
    members[static_cast<size_t>(unit)].push_back(feature);
    unit_of.push_back(unit);
    planned.colours = std::max(planned.colours, static_cast<int64_t>(members[static_cast<size_t>(unit)].size()));
  }
  planned.units = static_cast<int64_t>(members.size());
  if (planned.colours > kMostColours) return false;
  planned.feature.assign(static_cast<size_t>(planned.units * planned.colours), -1);
  for (size_t unit = 0; unit < members.size(); ++unit)
    std::copy(members[unit].begin(), members[unit].end(),
              planned.feature.begin() + static_cast<int64_t>(unit) * planned.colours);
  return true;
}

/// True when no unit has two positions in a row of `row` positions.
bool onceARow(const at::Tensor& unit, int64_t row) {
  const auto sorted = std::get<0>(unit.view({-1, row}).sort(1));
  const auto next = sorted.slice(1, 1);
  return !next.eq(sorted.slice(1, 0, -1)).logical_and(next.ge(0)).any().item<bool>();
}

std::optional<UnitParameter> Tracer::unitsOf(int64_t parameter, std::vector<ExitPoint>& points) {
  auto& own = trace(parameter);
  if (!own.valid || !own.bends || !own.axis || own.exits.empty()) return std::nullopt;
  UnitParameter planned;
  planned.parameter = parameter;
  planned.axis = *own.axis;
  std::vector<int64_t> unit_of;
  if (!numberUnits(own.meetings, planned, unit_of)) return std::nullopt;
  const auto weights = model_.parameters[static_cast<size_t>(parameter)].value.numel();
  const auto all = planned.axis == UnitAxis::elements ? 1 : weights / own.meetings.size();
  planned.columns = planned.axis == UnitAxis::columns ? own.meetings.size() : all;
  for (int64_t variant = 0; variant < all; ++variant) {
    if (own.tokens.empty() || own.tokens.contains(variant)) planned.variants.push_back(variant);
  }
  for (auto& [point, label, row] : own.exits) {
    auto unit = label.contiguous().flatten().clone();
    auto* at = unit.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < unit.numel(); ++i) {
      if (at[i] >= 0) at[i] = unit_of[static_cast<size_t>(at[i])];
    }
    label = at::Tensor();
    point.norm = row > 0 && onceARow(unit, row);
    points.push_back(point);
    planned.exits.push_back({0, point.norm ? unit.repeat({3}) : unit});
  }
  return planned;
}

UnitPlan Tracer::plan() {
  UnitPlan plan;
  std::vector<std::vector<ExitPoint>> points;
  for (size_t p = 0; p < traces_.size(); ++p) {
    std::vector<ExitPoint> own;
    auto units = unitsOf(static_cast<int64_t>(p), own);
    if (!units) continue;
    plan.parameters.push_back(std::move(*units));
    plan.exits.insert(plan.exits.end(), own.begin(), own.end());
    points.push_back(std::move(own));
  }
  std::sort(plan.exits.begin(), plan.exits.end());
  plan.exits.erase(std::unique(plan.exits.begin(), plan.exits.end()), plan.exits.end());
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = 0; j < points[i].size(); ++j) {
      const auto found = std::lower_bound(plan.exits.begin(), plan.exits.end(), points[i][j]);
      plan.parameters[i].exits[j].index = static_cast<size_t>(found - plan.exits.begin());
    }
  }
  return plan;
}

/// True when weights of the first variant, set to zero, can be run together.
bool runs(Runner& runner, UnitRunner& units, const UnitParameter& parameter) {
  Change change{parameter.parameter, {}, {}};
  for (const auto& weight : parameter.weights(parameter.variants.at(0), 0)) {
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
