#include "engine/forward/weight_functions.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "heft/error.hpp"

namespace heft {
namespace {

/// Numbers, of elements or of rows, that variants of one evaluation may not share.
using Keys = std::unordered_set<int64_t>;

/// What of a derived weight a variant may move, in the numbers of its links.
std::vector<int64_t> keysOf(const Model& model, const Variant& variant, const std::vector<WeightLink>& links, bool rows,
                            int64_t columns) {
  std::vector<int64_t> keys;
  for (const auto& change : variant.changes) {
    for (const auto& link : links) {
      if (link.parameter != change.parameter) continue;
      const auto width = columnsOf(model.weights(change.parameter).value);
      for (const auto index : change.index) {
        const auto place = static_cast<size_t>(link.by_row ? index / width : index);
        const auto target = link.target.at(place);
        if (target >= 0) keys.push_back(rows && !link.by_row ? target / columns : target);
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

/// Variants that are evaluated at once, since they move different parts.
struct Together {
  std::vector<size_t> variants;
  Keys keys;
};

std::vector<Together> group(const std::vector<std::vector<int64_t>>& keys) {
  std::vector<Together> groups;
  for (size_t v = 0; v < keys.size(); ++v) {
    if (keys[v].empty()) continue;
    const auto free = [&](const Together& one) {
      return std::none_of(keys[v].begin(), keys[v].end(), [&](int64_t key) { return one.keys.contains(key); });
    };
    auto found = std::find_if(groups.begin(), groups.end(), free);
    if (found == groups.end()) found = groups.insert(groups.end(), Together{});
    found->variants.push_back(v);
    found->keys.insert(keys[v].begin(), keys[v].end());
  }
  return groups;
}

at::Tensor flatDoubles(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kDouble).reshape({-1}).contiguous();
}

/// The parameters as the variants of a group leave them.
std::map<int64_t, at::Tensor> changedBy(const Model& model, std::span<const Variant> variants, const Together& group,
                                        const std::vector<WeightLink>& links) {
  std::map<int64_t, at::Tensor> changed;
  for (const auto& link : links) {
    const auto& value = model.weights(link.parameter).value;
    auto flat = flatDoubles(value).clone();
    auto* data = flat.mutable_data_ptr<double>();
    for (const auto v : group.variants) {
      for (const auto& change : variants[v].changes) {
        if (change.parameter != link.parameter) continue;
        for (size_t i = 0; i < change.index.size(); ++i) data[change.index[i]] = change.value[i];
      }
    }
    changed[link.parameter] = flat.view(value.sizes()).to(value.options());
  }
  return changed;
}

}  // namespace

std::vector<int64_t> parametersBehind(const Model& model, int64_t index) {
  const auto own = static_cast<int64_t>(model.parameters.size());
  if (index < own) return {index};
  std::vector<int64_t> parameters;
  for (const auto& link : model.functions->sources()[static_cast<size_t>(index - own)].links)
    parameters.push_back(link.parameter);
  return parameters;
}

bool looksAlone(const c10::OperatorHandle& op) {
  const auto& returns = op.schema().returns();
  const bool pieces = plainName(op).starts_with("unsafe_");  // views, though their schema doesn't say so
  return std::all_of(returns.begin(), returns.end(), [&](const c10::Argument& one) {
    const bool view = one.alias_info() != nullptr && !one.alias_info()->isWrite();
    const auto kind = one.type()->kind();
    const bool values =
        kind == c10::TypeKind::TensorType || kind == c10::TypeKind::NumberType || kind == c10::TypeKind::ListType;
    return view || pieces || !values || one.type()->isSubtypeOf(*c10::ListType::ofInts());
  });
}

WeightFunctions::WeightFunctions(std::vector<WeightCall> calls, std::vector<Source> sources, std::set<int64_t> hidden)
    : calls_(std::move(calls)), sources_(std::move(sources)), hidden_(std::move(hidden)) {
  for (size_t call = 0; call < calls_.size(); ++call) by_name_[calls_[call].op.schema().name()].push_back(call);
}

bool WeightFunctions::answer(const Model& model, const c10::OperatorHandle& op, torch::jit::Stack& stack) const {
  const auto count = op.schema().arguments().size();
  const auto found = by_name_.find(op.schema().name());
  if (found != by_name_.end()) {
    const auto given = torch::jit::last(stack, count).vec();
    const auto same = [&](const WeightOperand& operand, const at::Tensor& tensor) {
      return isOperand(model, calls_, operand, tensor);
    };
    for (const auto call : found->second) {
      if (!calls_[call].matches(op, given, same)) continue;
      torch::jit::drop(stack, count);
      for (const auto& result : calls_[call].results) torch::jit::push(stack, result);
      return true;
    }
  }
  if (hidden_.empty() || looksAlone(op)) return false;
  for (const auto& value : torch::jit::last(stack, count)) {
    eachTensor(value, [&](const at::Tensor& tensor) {
      if (hidden_.contains(parameterOf(model, tensor)))
        throw Error(Fault::unsupported, op.schema().name() + " reads a weight in another way than in the run before");
    });
  }
  return false;
}

std::vector<const WeightLink*> WeightFunctions::linksOf(int64_t parameter) const {
  std::vector<const WeightLink*> links;
  for (const auto& source : sources_) {
    for (const auto& link : source.links) {
      if (link.parameter == parameter) links.push_back(&link);
    }
  }
  return links;
}

at::Tensor WeightFunctions::evaluate(const Model& model, size_t derived,
                                     const std::map<int64_t, at::Tensor>& changed) const {
  const at::NoGradGuard no_grad;
  const auto& source = sources_.at(derived);
  // Only what leads from the changed parameters to the derived weight is run again.
  std::map<int64_t, std::vector<at::Tensor>> again;
  for (size_t call = 0; call <= source.call; ++call) {
    const auto moves = [&](const WeightOperand& one) {
      return one.kind == WeightOperand::Kind::parameter
                 ? changed.contains(one.index)
                 : one.kind == WeightOperand::Kind::call && again.contains(one.index);
    };
    if (std::none_of(calls_[call].operands.begin(), calls_[call].operands.end(), moves)) continue;
    again[static_cast<int64_t>(call)] = calls_[call].run([&](const WeightOperand& one) -> at::Tensor {
      if (one.kind == WeightOperand::Kind::constant) return one.constant;
      at::Tensor base;
      if (one.kind == WeightOperand::Kind::parameter) {
        const auto own = changed.find(one.index);
        const auto& value = model.weights(one.index).value;
        base = own == changed.end() ? value.detach() : own->second;
      } else {
        const auto own = again.find(one.index);
        base =
            own == again.end() ? calls_[static_cast<size_t>(one.index)].results[one.result] : own->second[one.result];
      }
      return base.as_strided(one.form.sizes, one.form.strides, base.storage_offset() + one.form.offset);
    });
  }
  const auto own = again.find(static_cast<int64_t>(source.call));
  return own == again.end() ? calls_[source.call].results[source.result] : own->second[source.result];
}

void WeightFunctions::resolveInto(const Model& model, size_t derived, std::span<const Variant> variants,
                                  Resolved& resolved) const {
  const auto& links = sources_[derived].links;
  const auto index = static_cast<int64_t>(model.parameters.size() + derived);
  const auto& value = model.weights(index).value;
  const auto columns = columnsOf(value);
  const bool rows = std::any_of(links.begin(), links.end(), [](const WeightLink& one) { return one.by_row; });
  std::vector<std::vector<int64_t>> keys;
  for (const auto& variant : variants) keys.push_back(keysOf(model, variant, links, rows, columns));
  const auto before = flatDoubles(value);
  for (const auto& together : group(keys)) {
    const auto after = flatDoubles(evaluate(model, derived, changedBy(model, variants, together, links)));
    const auto* was = before.const_data_ptr<double>();
    const auto* is = after.const_data_ptr<double>();
    int64_t moved = 0, taken = 0;
    for (int64_t i = 0; i < before.numel(); ++i) moved += was[i] != is[i] ? 1 : 0;
    for (const auto v : together.variants) {
      Change change{index, {}, {}};
      const auto take = [&](int64_t element) {
        if (was[element] == is[element]) return;
        if (!std::isfinite(is[element])) resolved.as_they_are[v] = true;
        change.index.push_back(element);
        change.value.push_back(is[element]);
      };
      for (const auto key : keys[v]) {
        if (!rows) take(key);
        for (int64_t j = 0; rows && j < columns; ++j) take(key * columns + j);
      }
      taken += std::ssize(change.index);
      if (!change.index.empty()) resolved.variants[v].changes.push_back(std::move(change));
    }
    for (const auto v : together.variants) {
      if (moved != taken) resolved.as_they_are[v] = true;
    }
  }
}

WeightFunctions::Resolved WeightFunctions::resolve(const Model& model, std::span<const Variant> variants) const {
  Resolved resolved{std::vector<Variant>(variants.size()), std::vector<bool>(variants.size(), false)};
  for (size_t v = 0; v < variants.size(); ++v) {
    for (const auto& change : variants[v].changes) {
      if (!hides(change.parameter)) resolved.variants[v].changes.push_back(change);
    }
  }
  for (size_t derived = 0; derived < sources_.size(); ++derived) resolveInto(model, derived, variants, resolved);
  return resolved;
}

}  // namespace heft
