#include "engine/execute/delta/row_products.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {
namespace {

/// Tensor cores want rows that begin at multiples of 16 bytes.
constexpr int64_t kAlignment = 8;

int64_t roundedUp(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

/// Sums of fewer terms are float32: their errors would not average out, and the gates take most of the time there anyway.
constexpr int64_t kFewestTerms = 128;

/// Enough rows that a product fills a device; on the CPU, where tests run, few.
int64_t rowsTogether(const at::Tensor& weights, int64_t columns) {
  if (weights.device().is_cpu()) return 32;
  constexpr int64_t kElements = int64_t{1} << 24, kFewest = 1024, kMost = 65536;
  return std::clamp(roundedUp(kElements / columns, 256), kFewest, kMost);
}

}  // namespace

RowProducts::RowProducts(CellKind kind, const CellWeights& weights, ProductForm products, bool keeps_rest)
    : kind_(kind),
      form_(weights.recurrent.size(1) >= kFewestTerms ? products : ProductForm::floats),
      keeps_rest_(keeps_rest && form_ == ProductForm::rounded),
      hidden_(weights.recurrent.size(0) / static_cast<int64_t>(gateNames(kind).size())),
      together_(rowsTogether(weights.recurrent, weights.recurrent.size(0))) {
  arrange(weights.input.size(1), weights.recurrent.size(1));
  const auto options = weights.recurrent.options().dtype(form_ == ProductForm::floats ? at::kFloat : at::kBFloat16);
  const auto gru = kind == CellKind::gru;
  gates_ = at::zeros({all_.count, gru ? 2 * hidden_ : weights.recurrent.size(0)}, options);
  place(weights.input.narrow(0, 0, gates_.size(1)), input_, gates_);
  place(weights.recurrent.narrow(0, 0, gates_.size(1)), emission_, gates_);
  if (gru) {
    const auto newGate = [&](const at::Tensor& weight, const Part& part, const Range& range) {
      const auto matrix = at::zeros({all_.count, hidden_}, options);
      place(weight.narrow(0, 2 * hidden_, hidden_), part, matrix);
      return matrix.narrow(0, range.first, range.count).contiguous();
    };
    new_input_ = newGate(weights.input, input_, only_input_);
    new_hidden_ = newGate(weights.recurrent, emission_, only_emission_);
  }
  if (weights.projection.defined()) {
    const auto width = roundedUp(hidden_, kAlignment);
    const bool halves = form_ == ProductForm::halves;
    if (halves) projected_ = {0, width, 2 * width};
    projection_ = at::zeros({halves ? 3 * width : width, weights.projection.size(0)}, options);
    place(weights.projection, projected_, projection_);
  }
}

void RowProducts::arrange(int64_t inputs, int64_t emitted) {
  const auto x = roundedUp(inputs, kAlignment), h = roundedUp(emitted, kAlignment);
  if (form_ != ProductForm::halves) {
    // Of rounded numbers low halves are written first, and the high ones over them; or the rest behind them all.
    input_ = {keeps_rest_ ? x + 2 * h : 0, 0, 0};
    emission_ = {keeps_rest_ ? x + h : x, x, x};
    with_rest_ = {x, 2 * h};
    all_ = {0, x + h};
    only_input_ = {0, x};
    only_emission_ = {x, h};
  } else if (kind_ == CellKind::gru) {
    // The new gate's two sides each have a product of their own.
    input_ = {0, x, 2 * x};
    emission_ = {3 * x, 3 * x + h, 3 * x + 2 * h};
    all_ = {0, 3 * x + 3 * h};
    only_input_ = {0, 3 * x};
    only_emission_ = {3 * x, 3 * h};
  } else {
    // The small terms of both, then the large ones.
    input_ = {0, x, 2 * x + 3 * h};
    emission_ = {2 * x, 2 * x + h, 2 * x + 2 * h};
    all_ = only_input_ = {0, 3 * x + 3 * h};
    only_emission_ = {2 * x, 3 * h};
  }
  width_ = keeps_rest_ ? 2 * all_.count : all_.count;
}

void RowProducts::place(const at::Tensor& weights, const Part& part, const at::Tensor& matrix) const {
  const auto turned = weights.t().to(at::kFloat);
  const auto put = [&](int64_t first, const at::Tensor& rows) {
    matrix.narrow(0, first, rows.size(0)).narrow(1, 0, rows.size(1)).copy_(rows);
  };
  if (form_ == ProductForm::floats) return put(part.low, turned);
  const auto high = turned.to(at::kBFloat16);
  if (form_ == ProductForm::rounded) return put(part.high, high);
  put(part.low, high);
  put(part.high, turned - high.to(at::kFloat));
  put(part.again, high);
}

int64_t RowProducts::roomFor(int64_t rows) const { return roundedUp(rows, together_); }

at::Tensor RowProducts::operand(int64_t rows) const { return at::zeros({roomFor(rows), width_}, gates_.options()); }

at::Tensor RowProducts::projectionOperand(int64_t rows) const {
  return at::zeros({roomFor(rows), projection_.size(0)}, projection_.options());
}

kernels::Operand RowProducts::part(const at::Tensor& operand, const Part& part) const {
  auto* data = static_cast<std::byte*>(operand.data_ptr()) + part.low * operand.element_size();
  return {data, operand.size(1), form_ != ProductForm::floats, part.high - part.low, part.again - part.low};
}

kernels::Operand RowProducts::inputPart(const at::Tensor& operand) const { return part(operand, input_); }
kernels::Operand RowProducts::emissionPart(const at::Tensor& operand) const { return part(operand, emission_); }
kernels::Operand RowProducts::projectionPart(const at::Tensor& operand) const { return part(operand, projected_); }

void RowProducts::multiply(const at::Tensor& operand, const Range& range, const at::Tensor& weights,
                           const at::Tensor& out) const {
  for (int64_t row = 0; row < operand.size(0); row += together_) {
    const auto some = operand.narrow(0, row, together_).narrow(1, range.first, range.count);
    auto to = out.narrow(0, row, together_);
    if (form_ == ProductForm::floats)
      at::mm_out(to, some, weights);
    else if (operand.device().is_cpu())  // LibTorch adds up halves in float32 on devices alone
      to.copy_(at::mm(some.to(at::kFloat), weights.to(at::kFloat)));
    else
      at::mm_out(to, some, weights, at::kFloat);
  }
}

void RowProducts::gates(const at::Tensor& operand, bool input, bool emission, const at::Tensor& out) const {
  const auto both = kind_ == CellKind::gru ? out.narrow(1, 0, 2 * hidden_) : out;
  const auto range = input && emission ? all_ : input ? only_input_ : only_emission_;
  if (input || emission)
    multiply(operand, range, gates_.narrow(0, range.first, range.count), both);
  else
    both.zero_();
  if (kind_ != CellKind::gru) return;
  auto hidden_side = out.narrow(1, 2 * hidden_, hidden_), input_side = out.narrow(1, 3 * hidden_, hidden_);
  if (emission)
    multiply(operand, only_emission_, new_hidden_, hidden_side);
  else
    hidden_side.zero_();
  if (input)
    multiply(operand, only_input_, new_input_, input_side);
  else
    input_side.zero_();
}

void RowProducts::addRounding(const at::Tensor& operand, bool input, bool emission, const at::Tensor& table,
                              const at::Tensor& sums) const {
  if (!input && !emission) return;
  const Range range = input ? Range{0, width_} : with_rest_;
  const auto samples = sums.size(0), variants = sums.size(1);
  const auto rows = operand.narrow(0, 0, variants * samples)
                        .view({variants, samples, width_})
                        .transpose(0, 1)
                        .narrow(2, range.first, range.count);
  const auto some = table.narrow(1, range.first, range.count);
  if (operand.device().is_cpu())
    sums.add_(at::bmm(rows.to(at::kFloat), some.to(at::kFloat)));
  else
    sums.add_(at::bmm(rows, some, at::kFloat));
}

void RowProducts::project(const at::Tensor& operand, const at::Tensor& out) const {
  multiply(operand, {0, operand.size(1)}, projection_, out);
}

}  // namespace heft
