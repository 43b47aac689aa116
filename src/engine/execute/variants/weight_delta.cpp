#include "engine/execute/variants/weight_delta.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/execute/values_before.hpp"

namespace heft {
namespace {

struct Matrix {
  int64_t rows = 1;
  int64_t columns = 1;
};

Matrix matrixOf(const at::Tensor& value) {
  if (value.dim() == 0) return {};
  return {value.size(0), value.numel() / value.size(0)};
}

/// The distinct ones of the rows (or columns) that a variant changes, ascending.
std::vector<int64_t> distinct(const Variant& variant, int64_t parameter, int64_t columns, bool rows) {
  std::vector<int64_t> found;
  for (const auto& change : variant.changes) {
    if (change.parameter != parameter) continue;
    for (const auto index : change.index) found.push_back(rows ? index / columns : index % columns);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// [variants, longest], padded with 0; undefined when some variant needs all `count`.
at::Tensor table(const std::vector<std::vector<int64_t>>& lists, int64_t longest, int64_t count) {
  if (longest == count) return {};
  auto padded = at::zeros({static_cast<int64_t>(lists.size()), longest}, at::kLong);
  auto* out = padded.data_ptr<int64_t>();
  for (size_t v = 0; v < lists.size(); ++v) {
    std::copy(lists[v].begin(), lists[v].end(), out + static_cast<int64_t>(v) * longest);
  }
  return padded;
}

int64_t longest(const std::vector<std::vector<int64_t>>& lists) {
  size_t most = 1;
  for (const auto& list : lists) most = std::max(most, list.size());
  return static_cast<int64_t>(most);
}

int64_t placeOf(const std::vector<int64_t>& list, int64_t value) {
  return std::lower_bound(list.begin(), list.end(), value) - list.begin();
}

}  // namespace

DeltaShape deltaShape(const Model& model, const Variant& variant, int64_t parameter) {
  const auto matrix = matrixOf(model.weights(parameter).value);
  return {static_cast<int64_t>(distinct(variant, parameter, matrix.columns, true).size()),
          static_cast<int64_t>(distinct(variant, parameter, matrix.columns, false).size())};
}

WeightDelta::WeightDelta(const Model& model, std::span<const Variant> variants, int64_t parameter) {
  const auto& value = model.weights(parameter).value;
  const auto matrix = matrixOf(value);
  all_rows_ = matrix.rows;
  std::vector<std::vector<int64_t>> rows, columns;
  for (const auto& variant : variants) {
    rows.push_back(distinct(variant, parameter, matrix.columns, true));
    columns.push_back(distinct(variant, parameter, matrix.columns, false));
  }
  const auto most_rows = longest(rows);
  const auto most_columns = longest(columns);
  rows_ = table(rows, most_rows, matrix.rows);
  columns_ = table(columns, most_columns, matrix.columns);

  const auto before = valuesBefore(model, variants, parameter);
  auto next = before.begin();
  change_ = at::zeros({static_cast<int64_t>(variants.size()), most_rows, most_columns}, at::kDouble);
  auto* out = change_.data_ptr<double>();
  for (size_t v = 0; v < variants.size(); ++v, out += most_rows * most_columns) {
    for (const auto& change : variants[v].changes) {
      if (change.parameter != parameter) continue;
      const auto stored = at::tensor(change.value, at::kDouble).to(value.scalar_type()).to(at::kDouble);
      const auto* values = stored.const_data_ptr<double>();
      for (size_t i = 0; i < change.index.size(); ++i) {
        const auto row = change.index[i] / matrix.columns;
        const auto column = change.index[i] % matrix.columns;
        const auto r = rows_.defined() ? placeOf(rows[v], row) : row;
        const auto c = columns_.defined() ? placeOf(columns[v], column) : column;
        out[r * most_columns + c] = values[i] - *next++;
      }
    }
  }
  change_ = change_.to(value.options());
  if (rows_.defined()) rows_ = rows_.to(value.device());
  if (columns_.defined()) columns_ = columns_.to(value.device());
}

WeightDelta::WeightDelta(const at::Tensor& matrices) : all_rows_(matrices.size(1)) {
  change_ = matrices - matrices.narrow(0, 0, 1);
  if (change_.dim() == 2) change_ = change_.unsqueeze(-1);
}

void WeightDelta::scatter(at::Tensor& term, const at::Tensor& values) const {
  if (!rows_.defined()) {
    term.add_(values);
  } else {
    term.scatter_add_(2, rows_.unsqueeze(1).expand(values.sizes()), values);
  }
}

void WeightDelta::addProduct(at::Tensor term, const at::Tensor& read) const {
  const auto variants = change_.size(0);
  const auto points = read.size(1);
  const auto changed = change_.size(2);
  auto part = read;  // [variants or 1, points, changed columns]
  if (columns_.defined() && read.size(0) == 1) {
    part = read[0].index_select(1, columns_.flatten()).view({points, variants, changed}).transpose(0, 1);
  } else if (columns_.defined()) {
    part = read.gather(2, columns_.unsqueeze(1).expand({variants, points, changed}));
  }
  const auto across = change_.transpose(1, 2);  // [variants, changed columns, changed rows]
  if (changed == 1) return scatter(term, part * across);
  scatter(term, at::bmm(part.expand({variants, points, changed}), across));
}

void WeightDelta::addBias(at::Tensor term) const {
  scatter(term, change_.squeeze(2).unsqueeze(1).expand({change_.size(0), term.size(1), change_.size(1)}));
}

void WeightDelta::addRows(at::Tensor out, const at::Tensor& tokens) const {
  const auto variants = change_.size(0);
  const auto rows = rows_.defined() ? rows_ : at::arange(all_rows_, tokens.options()).expand({variants, all_rows_});
  const auto read = tokens.unsqueeze(2).eq(rows.unsqueeze(1)).to(change_.scalar_type());  // [variants, points, rows]
  auto sums = at::bmm(read, change_);
  if (columns_.defined()) {
    out.scatter_add_(2, columns_.unsqueeze(1).expand(sums.sizes()), sums);
  } else {
    out.add_(sums);
  }
}

WeightDelta WeightDelta::transposed() const {
  WeightDelta turned;
  turned.rows_ = columns_;
  turned.columns_ = rows_;
  turned.change_ = change_.transpose(1, 2);
  turned.all_rows_ = -1;
  return turned;
}

}  // namespace heft
