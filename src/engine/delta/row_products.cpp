#include "engine/delta/row_products.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {
namespace {

/// Tensor cores want rows that begin at multiples of 16 bytes.
constexpr int64_t kAlignment = 8;

int64_t roundedUp(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

int64_t widthOf(int64_t inputs, bool halves) { return roundedUp(halves ? 3 * inputs : inputs, kAlignment); }

/// Weights [outputs, inputs] as an operand's rows are multiplied by them: [width, outputs].
at::Tensor stacked(const at::Tensor& weights, bool halves) {
  auto turned = weights.t().to(at::kFloat);
  if (halves) {
    const auto high = turned.to(at::kBFloat16);
    const auto low = (turned - high.to(at::kFloat)).to(at::kBFloat16);
    turned = at::cat({high, low, high});
  }
  const auto width = widthOf(weights.size(1), halves);
  return at::constant_pad_nd(turned, {0, 0, 0, width - turned.size(0)}).contiguous();
}

/// Sums of fewer terms are float32: their errors would not average out, and the gates take most of the time there anyway.
constexpr int64_t kFewestTerms = 128;

/// Enough rows that a product fills a device; on the CPU, where tests run, few.
int64_t rowsTogether(const at::Tensor& weights, int64_t columns) {
  if (weights.device().is_cpu()) return 32;
  constexpr int64_t kElements = int64_t{1} << 24, kFewest = 1024, kMost = 65536;
  return std::clamp(roundedUp(kElements / columns, 256), kFewest, kMost);
}

}  // namespace

RowProducts::RowProducts(CellKind kind, const CellWeights& weights, bool halves)
    : kind_(kind),
      halves_(halves && weights.recurrent.size(1) >= kFewestTerms),
      hidden_(weights.recurrent.size(0) / static_cast<int64_t>(gateNames(kind).size())),
      input_width_(widthOf(weights.input.size(1), halves_)),
      emission_width_(widthOf(weights.recurrent.size(1), halves_)),
      together_(rowsTogether(weights.recurrent, weights.recurrent.size(0))) {
  const auto input = stacked(weights.input, halves_), recurrent = stacked(weights.recurrent, halves_);
  if (kind == CellKind::gru) {
    gates_ = at::cat({input.narrow(1, 0, 2 * hidden_), recurrent.narrow(1, 0, 2 * hidden_)});
    new_input_ = input.narrow(1, 2 * hidden_, hidden_).contiguous();
    new_hidden_ = recurrent.narrow(1, 2 * hidden_, hidden_).contiguous();
  } else {
    gates_ = at::cat({input, recurrent});
  }
  if (weights.projection.defined()) projection_ = stacked(weights.projection, halves_);
}

int64_t RowProducts::roomFor(int64_t rows) const { return roundedUp(rows, together_); }

at::Tensor RowProducts::operand(int64_t rows) const {
  return at::zeros({roomFor(rows), input_width_ + emission_width_}, gates_.options());
}

at::Tensor RowProducts::projectionOperand(int64_t rows) const {
  return at::zeros({roomFor(rows), projection_.size(0)}, projection_.options());
}

kernels::Operand RowProducts::part(const at::Tensor& operand, int64_t first) const {
  auto* data = static_cast<std::byte*>(operand.data_ptr()) + first * operand.element_size();
  return {data, operand.size(1), halves_};
}

kernels::Operand RowProducts::inputPart(const at::Tensor& operand) const { return part(operand, 0); }
kernels::Operand RowProducts::emissionPart(const at::Tensor& operand) const { return part(operand, input_width_); }
kernels::Operand RowProducts::projectionPart(const at::Tensor& operand) const { return part(operand, 0); }

void RowProducts::multiply(const at::Tensor& operand, const at::Tensor& weights, const at::Tensor& out) const {
  for (int64_t row = 0; row < operand.size(0); row += together_) {
    const auto some = operand.narrow(0, row, together_);
    auto to = out.narrow(0, row, together_);
    if (!halves_)
      at::mm_out(to, some, weights);
    else if (operand.device().is_cpu())  // LibTorch adds up halves in float32 on devices alone
      to.copy_(at::mm(some.to(at::kFloat), weights.to(at::kFloat)));
    else
      at::mm_out(to, some, weights, at::kFloat);
  }
}

void RowProducts::gates(const at::Tensor& operand, bool input, bool emission, const at::Tensor& out) const {
  const auto first = input ? 0 : input_width_;
  const auto width = (input ? input_width_ : 0) + (emission ? emission_width_ : 0);
  const auto from = [&](int64_t begin, int64_t count) { return operand.narrow(1, begin, count); };
  if (kind_ != CellKind::gru) {
    if (width == 0)
      out.zero_();
    else
      multiply(from(first, width), gates_.narrow(0, first, width), out);
    return;
  }
  const auto both = out.narrow(1, 0, 2 * hidden_);
  auto hidden_side = out.narrow(1, 2 * hidden_, hidden_), input_side = out.narrow(1, 3 * hidden_, hidden_);
  if (width == 0)
    both.zero_();
  else
    multiply(from(first, width), gates_.narrow(0, first, width), both);
  if (emission)
    multiply(from(input_width_, emission_width_), new_hidden_, hidden_side);
  else
    hidden_side.zero_();
  if (input)
    multiply(from(0, input_width_), new_input_, input_side);
  else
    input_side.zero_();
}

void RowProducts::project(const at::Tensor& operand, const at::Tensor& out) const {
  multiply(operand, projection_, out);
}

}  // namespace heft
