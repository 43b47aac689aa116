#include "engine/derived/dependence.hpp"

#include <ATen/ATen.h>

namespace heft {
namespace {

constexpr int64_t kSeveral = -2;
constexpr int64_t kDraws = 8;  ///< that a part of the weights is changed to see what moves

/// Other values for every weight: beyond its mirror image, halfway to it, far up and far down. Several, since a
/// function may be flat where one leads; zero, since functions ask for it (`w != 0`).
std::vector<at::Tensor> changedValues(const at::Tensor& value) {
  const auto sign = at::where(value.ge(0), at::ones({}, value.options()), -at::ones({}, value.options()));
  const auto size = value.abs().mean() + 1e-3, far = 2 * value.abs().max() + 1;
  return {value * -1.5 - sign * size * 0.1, value * 0.5 + size * 1e-3, value + far, value - far, at::zeros_like(value)};
}

/// Every other member of 0 to count - 1, about, by chance that is always the same.
at::Tensor chosen(const at::Tensor& number, int64_t draw) {
  return (number * int64_t{-7046029254386353131}).bitwise_right_shift(12 + 5 * draw).bitwise_and(1).ne(0);
}

/// True when, whatever part of the weights changes, only elements of the same part move: `part` and `own` number the parts of
/// parameter and derived weight alike, int64 of their shapes.
bool followsParts(const at::Tensor& parameter, const at::Tensor& derived, const at::Tensor& part, const at::Tensor& own,
                  const WeightFunction& function) {
  const auto others = changedValues(parameter);
  for (int64_t draw = 0; draw < kDraws; ++draw) {
    const auto changes = chosen(part, draw), may_move = chosen(own, draw);
    const auto& other = others[static_cast<size_t>(draw) % others.size()];
    const auto moved = function(at::where(changes, other, parameter)).ne(derived);
    if (moved.logical_and(may_move.logical_not()).any().item<bool>()) return false;
  }
  return true;
}

std::vector<int64_t> listOf(const at::Tensor& tensor) {
  const auto flat = tensor.to(at::kCPU).contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

/// By element of what the function gives: the number (0 to count - 1) of the one group of weights that it follows, -1 for none,
/// kSeveral for more. `group` is int64, of the parameter's shape.
std::vector<int64_t> followedGroups(const at::Tensor& parameter, const at::Tensor& derived, const at::Tensor& group,
                                    int64_t count, const WeightFunction& function) {
  const auto others = changedValues(parameter);
  const auto moved = [&](const at::Tensor& changed) {
    auto any = at::zeros({derived.numel()}, at::TensorOptions(derived.device()).dtype(at::kBool));
    for (const auto& other : others)
      any.logical_or_(function(at::where(changed, other, parameter)).ne(derived).reshape({-1}));
    return any.to(at::kCPU);
  };
  auto follows = at::zeros({derived.numel()}, at::kLong);
  const auto everything = moved(at::ones_like(group, at::kBool));
  auto several = at::zeros({derived.numel()}, at::kBool), never = everything.logical_not();
  for (int64_t bit = 0; (int64_t{1} << bit) < count; ++bit) {
    const auto has = group.bitwise_right_shift(bit).bitwise_and(1).ne(0);
    const auto one = moved(has), zero = moved(has.logical_not());
    follows.add_(one.to(at::kLong), int64_t{1} << bit);
    several.logical_or_(one.logical_and(zero));
    // What stands still in both halves moves with neither alone: it follows weights of both.
    several.logical_or_(one.logical_or(zero).logical_not().logical_and(everything));
    never.logical_and_(one.logical_or(zero).logical_not());
  }
  follows.masked_fill_(never, -1).masked_fill_(several, kSeveral);
  const auto* data = follows.const_data_ptr<int64_t>();
  return {data, data + follows.numel()};
}

/// Nothing where a weight would have two elements.
std::optional<std::vector<int64_t>> oneEach(const std::vector<int64_t>& followed, int64_t count) {
  std::vector<int64_t> target(static_cast<size_t>(count), -1);
  for (size_t element = 0; element < followed.size(); ++element) {
    if (followed[element] == kSeveral) return std::nullopt;
    if (followed[element] < 0) continue;
    auto& own = target[static_cast<size_t>(followed[element])];
    if (own >= 0) return std::nullopt;
    own = static_cast<int64_t>(element);
  }
  return target;
}

/// The row of which all elements follow one row of the parameter; nothing where rows mix.
std::optional<std::vector<int64_t>> oneRowEach(const std::vector<int64_t>& followed, int64_t columns, int64_t count) {
  std::vector<int64_t> target(static_cast<size_t>(count), -1);
  for (size_t first = 0; first < followed.size(); first += static_cast<size_t>(columns)) {
    int64_t row = -1;
    for (size_t i = first; i < first + static_cast<size_t>(columns); ++i) {
      if (followed[i] == kSeveral || (followed[i] >= 0 && row >= 0 && followed[i] != row)) return std::nullopt;
      if (followed[i] >= 0) row = followed[i];
    }
    if (row < 0) continue;
    auto& own = target[static_cast<size_t>(row)];
    if (own >= 0) return std::nullopt;
    own = static_cast<int64_t>(first) / columns;
  }
  return target;
}

}  // namespace

std::optional<WeightLink> findLink(const at::Tensor& parameter, const at::Tensor& derived,
                                   const WeightFunction& function) {
  const auto weights = parameter.numel();
  const auto options = at::TensorOptions(parameter.device()).dtype(at::kLong);
  const auto number = at::arange(weights, options).view(parameter.sizes());
  // The usual ways are tried first, since they take a few evaluations however large the parameter is.
  if (derived.sizes() == parameter.sizes() && followsParts(parameter, derived, number, number, function))
    return WeightLink{0, 0, false, listOf(number)};
  if (parameter.dim() == 2 && derived.sizes() == parameter.t().sizes()) {
    const auto turned = at::arange(weights, options).view(derived.sizes()).t();
    if (followsParts(parameter, derived, number, number.t(), function)) return WeightLink{0, 0, false, listOf(turned)};
  }
  const auto columns = columnsOf(parameter), rows = weights / columns;
  const auto row = number.div(columns, "floor");
  if (derived.size(0) == rows) {
    const auto own =
        at::arange(rows, options).view({rows, 1}).expand({rows, columnsOf(derived)}).reshape(derived.sizes());
    if (followsParts(parameter, derived, row, own, function))
      return WeightLink{0, 0, true, listOf(at::arange(rows, options))};
  }
  WeightLink link;
  if (auto target = oneEach(followedGroups(parameter, derived, number, weights, function), weights)) {
    link.target = std::move(*target);
    return link;
  }
  auto target = oneRowEach(followedGroups(parameter, derived, row, rows, function), columnsOf(derived), rows);
  if (!target) return std::nullopt;
  link.by_row = true;
  link.target = std::move(*target);
  return link;
}

}  // namespace heft
