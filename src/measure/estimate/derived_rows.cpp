#include "measure/estimate/derived_rows.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/forward/weight_functions.hpp"

namespace heft {
namespace {

/// The derived weight, flat, when the parameter holds these values.
at::Tensor valuesWith(const Model& model, const WeightLink& link, const at::Tensor& values) {
  const auto& own = model.weights(link.parameter).value;
  const auto given = values.view(own.sizes()).to(own.options());
  return model.functions->evaluate(model, link.derived, {{link.parameter, given}})
      .detach()
      .to(at::kCPU, at::kDouble)
      .reshape({-1});
}

at::Tensor tensorOf(std::span<const double> values) {
  return at::tensor(at::ArrayRef<double>(values.data(), values.size()), at::kDouble);
}

}  // namespace

DerivedRows derivedRows(const Model& model, const WeightLink& link, std::span<const double> before,
                        std::span<const double> after, int64_t first, int64_t count) {
  const auto& derived = model.derived[link.derived].value;
  DerivedRows made{&link, columnsOf(derived), {}, {}, first, {}};
  const auto was = derived.detach().to(at::kCPU, at::kDouble).reshape({-1});
  const auto old = tensorOf(before), changed = tensorOf(after);
  const auto target = at::tensor(link.target, at::kLong);
  if (!link.by_row) {
    // No element follows two weights, so all may change at once.
    const auto moved = (valuesWith(model, link, changed) - was).index_select(0, target.clamp_min(0));
    made.elements = at::where(target.ge(0), moved, at::zeros({}, at::kDouble)).to(at::kFloat).contiguous();
    made.broken = made.elements.isfinite().logical_not().to(at::kByte).contiguous();
    return made;
  }
  const auto width = columnsOf(model.weights(link.parameter).value);
  const auto own_rows = target.narrow(0, first, count);
  const auto present = own_rows.ge(0).view({count, 1});
  made.rows = at::zeros({count, width, made.columns}, at::kFloat);
  for (int64_t column = 0; column < width; ++column) {
    // No row follows two rows, so a column of all of them may.
    auto other = old.clone().view({-1, width});
    other.select(1, column).copy_(changed.view({-1, width}).select(1, column));
    const auto moved = (valuesWith(model, link, other) - was).view({-1, made.columns});
    made.rows.select(1, column).copy_(moved.index_select(0, own_rows.clamp_min(0)) * present);
  }
  made.broken = made.rows.isfinite().all(2).logical_not().to(at::kByte).contiguous();
  return made;
}

bool keepsRows(const Model& model, const WeightLink& link) {
  if (link.by_row) return true;
  const auto columns = columnsOf(model.derived[link.derived].value);
  const auto width = columnsOf(model.weights(link.parameter).value);
  std::vector<int64_t> taken(static_cast<size_t>(model.derived[link.derived].value.numel() / columns), -1);
  for (size_t i = 0; i < link.target.size(); ++i) {
    if (link.target[i] < 0) continue;
    const auto row = static_cast<int64_t>(i) / width;
    auto& owner = taken[static_cast<size_t>(link.target[i] / columns)];
    if (owner >= 0 && owner != row) return false;
    owner = row;
  }
  // And the other way round: what one row makes lies in one row.
  for (size_t i = 1; i < link.target.size(); ++i) {
    const bool same_row = static_cast<int64_t>(i) / width == static_cast<int64_t>(i - 1) / width;
    if (same_row && link.target[i] >= 0 && link.target[i - 1] >= 0 &&
        link.target[i] / columns != link.target[i - 1] / columns)
      return false;
  }
  return true;
}

}  // namespace heft
