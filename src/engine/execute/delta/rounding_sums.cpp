#include "engine/execute/delta/rounding_sums.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/kernels/products/small_products.hpp"

namespace heft {
namespace {

/// Rows that are multiplied together, always as many, so that a row's sum doesn't depend on those beside it: a block has fewer of
/// one sample where samples are many.
int64_t rowsTogether(int64_t samples) { return samples <= 16 ? 16 : samples <= 32 ? 8 : 4; }

}  // namespace

RoundingSums::RoundingSums(int64_t slots, int64_t samples, int64_t columns, Workspace& workspace, size_t place)
    : samples_(samples),
      sums_(workspace.take(place, {slots, columns}).zero_()),
      some_(workspace.take(place + 1, {rowsTogether(samples), columns})) {}

void RoundingSums::add(const RoundingTable& table, int64_t step, const at::Tensor& prepared,
                       std::span<const int64_t> rows) {
  const auto together = some_.size(0), columns = some_.size(1), depth = 2 * prepared.size(2);
  const auto count = std::ssize(rows);
  const auto of_step = table.at(step);
  const auto* values = prepared.const_data_ptr<at::BFloat16>();
  auto* some = some_.data_ptr<float>();
  const auto sampleOf = [&](int64_t slot) { return rows[static_cast<size_t>(slot)] % samples_; };
  for (int64_t slot = 0, next = 0; slot < count; slot = next) {
    const auto sample = sampleOf(slot);
    while (next < count && next < slot + together && sampleOf(next) == sample) ++next;
    // What lies behind the last slots is multiplied along, and in front of them where there is no room behind.
    const auto first = std::min(slot, prepared.size(0) - together);
    multiplySmall({together, columns, depth, depth, columns, columns, false}, values + first * depth,
                  of_step.const_data_ptr<at::BFloat16>() + sample * depth * columns, some);
    auto* sums = sums_.data_ptr<float>() + slot * columns;
    const auto* found = some + (slot - first) * columns;
    for (int64_t i = 0; i < (next - slot) * columns; ++i) sums[i] += found[i];
  }
}

at::Tensor RoundingSums::byRow(std::span<const int64_t> rows) const {
  const auto columns = sums_.size(1);
  auto all = at::zeros({sums_.size(0), columns}, at::kFloat);
  for (size_t slot = 0; slot < rows.size(); ++slot)
    std::copy_n(sums_.const_data_ptr<float>() + static_cast<int64_t>(slot) * columns, columns,
                all.data_ptr<float>() + rows[slot] * columns);
  return all;
}

}  // namespace heft
