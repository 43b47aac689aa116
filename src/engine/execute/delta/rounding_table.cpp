#include "engine/execute/delta/rounding_table.hpp"

#include <ATen/ATen.h>

namespace heft {

RoundingTable::RoundingTable(int64_t steps, int64_t samples, const Form& form, at::Device device) : form_(form) {
  const auto options = at::TensorOptions(at::kBFloat16).device(device);
  table_ = form.pairs ? at::zeros({steps, samples, form.terms / 2, form.columns, 2}, options)
                      : at::zeros({steps, samples, form.terms, form.columns}, options);
}

RoundingTable::Weights::Weights(const at::Tensor& weights)
    : all(weights), lost(weights - weights.to(at::kBFloat16).to(at::kFloat)) {}

void RoundingTable::fill(int64_t step, int64_t rounded, int64_t rest, const Weights& weights,
                         const at::Tensor& adjoints) {
  const auto own = table_[step];
  const auto lines = form_.pairs ? at::zeros({own.size(0), form_.terms, form_.columns}, adjoints.options()) : own;
  const auto put = [&](int64_t row, const at::Tensor& matrix) {
    const auto rows = adjoints.matmul(matrix).permute({1, 2, 0});  // [samples, inputs, elements]
    lines.narrow(1, row, rows.size(1)).narrow(2, 0, rows.size(2)).copy_(rows);
  };
  put(rounded, weights.lost);
  put(rest, weights.all);
  if (form_.pairs) own.copy_(lines.view({own.size(0), form_.terms / 2, 2, form_.columns}).transpose(2, 3));
}

}  // namespace heft
