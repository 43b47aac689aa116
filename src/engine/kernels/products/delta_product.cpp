#include "engine/kernels/products/delta_product.hpp"

#include <ATen/ATen.h>

#include "engine/kernels/cpu/split_bfloat16.hpp"
#include "engine/kernels/products/small_products.hpp"

namespace heft {
namespace {

constexpr int64_t kRows = 32, kColumns = 64;  ///< of the smallest blocks that are multiplied
constexpr int64_t kManyRows = 128;            ///< of the others: a call has its price
/// Terms of a sum from which on tiles are used: their errors average out, and below it the gates take most of the time anyway.
constexpr int64_t kFewestTerms = 128;

int64_t even(int64_t count) { return count + count % 2; }
int64_t roundedUp(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

/// Blocks of rows that cover `rows`: each is handed its first row and its rows.
template <class Multiply>
void overBlocks(int64_t rows, const Multiply& multiply) {
  for (int64_t row = 0, block = 0; row < rows; row += block) {
    block = rows - row >= kManyRows ? kManyRows : kRows;
    multiply(row, block);
  }
}

/// [outputs / columns, inputs, columns] of weights [inputs, outputs], rounded up with zeros.
at::Tensor floatPanelsOf(const at::Tensor& weights) {
  const auto width = roundedUp(weights.size(1), kColumns);
  const auto padded = at::constant_pad_nd(weights, {0, width - weights.size(1)});
  return padded.view({-1, width / kColumns, kColumns}).transpose(0, 1).contiguous();
}

/// [outputs / columns, halves (high, low), inputs / 2, columns, 2] of weights [inputs, outputs], rounded up with zeros.
at::Tensor halfPanelsOf(const at::Tensor& weights, bool halves) {
  const auto inputs = weights.size(0), outputs = weights.size(1);
  const auto width = roundedUp(outputs, kColumns);
  auto high = at::zeros({even(inputs), width}, at::kBFloat16), low = at::zeros_like(high);
  for (int64_t i = 0; i < inputs; ++i) {
    kernels::splitBfloat16(weights.const_data_ptr<float>() + i * outputs, outputs,
                           reinterpret_cast<uint16_t*>(high.data_ptr<at::BFloat16>() + i * width),
                           reinterpret_cast<uint16_t*>(low.data_ptr<at::BFloat16>() + i * width));
  }
  const auto all = halves ? at::stack({high, low}) : high.unsqueeze(0);
  return all.view({-1, even(inputs) / 2, 2, width / kColumns, kColumns}).permute({3, 0, 1, 4, 2}).contiguous();
}

}  // namespace

bool DeltaProduct::works(By by) {
  return by == By::library || (by == By::panels ? smallProducts().floats : smallProducts().bfloat16);
}

DeltaProduct::By DeltaProduct::fastest(ProductForm form) {
  const auto& works = smallProducts();
  // Three products of halves on AVX-512 take longer than one of floats.
  const bool tiles = form == ProductForm::rounded ? works.bfloat16 : form == ProductForm::halves && works.tiles;
  return tiles ? By::tiles : By::panels;
}

int64_t DeltaProduct::half() const { return even(inputs()); }

int64_t DeltaProduct::roomFor(int64_t rows) { return roundedUp(rows, kRows); }

DeltaProduct::DeltaProduct(const at::Tensor& weights, ProductForm form, By by)
    : halves_(form == ProductForm::halves), weights_(weights) {
  if (by == By::tiles && works(By::tiles) && inputs() >= kFewestTerms)
    by_ = By::tiles;
  else if (by != By::library && works(By::panels))
    by_ = By::panels;
  if (by_ != By::library) panels_ = by_ == By::tiles ? halfPanelsOf(weights_, halves_) : floatPanelsOf(weights_);
}

at::Tensor DeltaProduct::prepare(const at::Tensor& differences, Workspace& workspace, size_t place) const {
  if (by_ != By::tiles) return differences;
  const auto rows = differences.size(0), width = even(inputs());
  auto split = workspace.take(place, {roomFor(rows), 2, width}, at::kBFloat16);
  auto* out = reinterpret_cast<uint16_t*>(split.data_ptr<at::BFloat16>());
  const auto* values = differences.const_data_ptr<float>();
  for (int64_t r = 0; r < rows; ++r, out += 2 * width) {
    kernels::splitBfloat16(values + r * differences.stride(0), inputs(), out, out + width);
    if (width > inputs()) out[inputs()] = out[width + inputs()] = 0;
  }
  return split;
}

void DeltaProduct::multiply(const at::Tensor& prepared, int64_t rows, at::Tensor out, bool add) const {
  if (rows == 0) return;
  if (by_ == By::library) {
    const auto room = roomFor(rows);
    const auto values = prepared.as_strided({room, inputs()}, prepared.strides());
    auto some = out.as_strided({room, outputs()}, out.strides());
    if (add)
      some.addmm_(values, weights_);
    else
      at::mm_out(some, values, weights_);
    return;
  }
  auto* to = out.data_ptr<float>();
  const auto apart = out.stride(0);
  for (int64_t column = 0; column < outputs(); column += kColumns) {
    const auto columns = std::min(kColumns, outputs() - column);
    if (by_ == By::panels) {
      const auto* values = prepared.const_data_ptr<float>();
      const auto* panel = panels_.const_data_ptr<float>() + column * inputs();
      overBlocks(rows, [&](int64_t row, int64_t block) {
        multiplySmall({block, columns, inputs(), prepared.stride(0), kColumns, apart, add},
                      values + row * prepared.stride(0), panel, to + row * apart + column);
      });
      continue;
    }
    const auto depth = prepared.size(2);
    const auto* values = prepared.const_data_ptr<at::BFloat16>();
    const auto* panel = panels_.const_data_ptr<at::BFloat16>() + panels_.size(1) * column * depth;
    overBlocks(rows, [&](int64_t row, int64_t block) {
      const auto product = [&](int64_t half, int64_t weight_half, bool to_sum) {
        multiplySmall({block, columns, depth, 2 * depth, kColumns, apart, to_sum}, values + (2 * row + half) * depth,
                      panel + weight_half * depth * kColumns, to + row * apart + column);
      };
      if (halves_) product(1, 0, add);
      if (halves_) product(0, 1, true);
      product(0, 0, halves_ || add);
    });
  }
}

}  // namespace heft
