#include "engine/estimate/sites/site.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cmath>

#include "engine/kernels/products/small_products.hpp"

namespace heft {

bool sampleOfRows(const at::Tensor& once, const at::Tensor& weighted, int64_t samples, std::vector<int64_t>& assigned) {
  const auto a = once.flatten(1);
  const auto b = weighted.flatten(1);
  const auto aa = (a * a).sum(1).to(at::kCPU).contiguous();
  const auto ab = (a * b).sum(1).to(at::kCPU).contiguous();
  const auto bb = (b * b).sum(1).to(at::kCPU).contiguous();
  const auto* paa = aa.const_data_ptr<double>();
  const auto* pab = ab.const_data_ptr<double>();
  const auto* pbb = bb.const_data_ptr<double>();
  assigned.assign(static_cast<size_t>(once.size(0)), -1);
  // Gradients that cancel (a bias in front of a norm) leave their rounding, which belongs to no sample.
  constexpr double kRounding = 1e-20;  // squared
  const double largest = once.numel() > 0 ? aa.max().item<double>() : 0;
  for (size_t row = 0; row < assigned.size(); ++row) {
    const bool rounding = pbb[row] <= kRounding * largest * static_cast<double>(samples * samples);
    if (paa[row] <= 0) {
      if (pbb[row] > 0 && !rounding) return false;
      continue;
    }
    // One sample: the second gradient is the first times (sample + 1), a whole number.
    const double ratio = pab[row] / paa[row];
    const double left = pbb[row] - ratio * pab[row];
    const double whole = std::round(ratio);
    if (std::abs(left) > 1e-9 * pbb[row] || std::abs(ratio - whole) > 1e-5 || whole < 1 ||
        whole > static_cast<double>(samples)) {
      if (rounding) continue;
      return false;
    }
    assigned[row] = static_cast<int64_t>(whole) - 1;
  }
  return true;
}

double Site::adjointBytes(int64_t seeds, int64_t samples) const {
  double bytes = 0;
  for (const auto& leaf : leaves()) bytes += 4.0 * static_cast<double>(leaf.numel()) * static_cast<double>(seeds);
  return kind() == SiteKind::gradient ? bytes * static_cast<double>(samples) : bytes;
}

/// Right where the outputs follow the row's weights linearly: a change is the sum of what each weight does by itself.
void Site::addCombined(int role, int64_t row, const at::Tensor& changes, const ResponseBlock& block) const {
  const auto columns = changes.size(1);
  const std::vector<float> ones(static_cast<size_t>(columns), 1.0f);
  auto each = at::zeros({block.samples * block.seeds, columns}, at::kFloat);
  addResponse(role, {row, ones}, {block.samples, block.seeds, columns, each.mutable_data_ptr<float>()});
  at::from_blob(block.data, {block.samples * block.seeds, block.columns}, at::kFloat).add_(each.mm(changes.t()));
}

at::Tensor rowsOf(const at::Tensor& gradient, const at::Tensor& leaf) {
  const auto defined = gradient.defined() ? gradient : at::zeros_like(leaf);
  return defined.reshape({-1, defined.size(-1)});
}

SampleRows sortBySample(const std::vector<int64_t>& assigned, int64_t samples) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(samples));
  for (size_t row = 0; row < assigned.size(); ++row) {
    if (assigned[row] >= 0) rows[static_cast<size_t>(assigned[row])].push_back(static_cast<int64_t>(row));
  }
  SampleRows sorted;
  sorted.samples = samples;
  for (const auto& one : rows) sorted.points = std::max(sorted.points, static_cast<int64_t>(one.size()));
  std::vector<int64_t> row(static_cast<size_t>(samples * sorted.points), 0);
  std::vector<double> present(row.size(), 0.0);
  for (size_t sample = 0; sample < rows.size(); ++sample) {
    for (size_t i = 0; i < rows[sample].size(); ++i) {
      row[sample * static_cast<size_t>(sorted.points) + i] = rows[sample][i];
      present[sample * static_cast<size_t>(sorted.points) + i] = 1.0;
    }
  }
  sorted.row = at::tensor(row, at::kLong);
  sorted.present = at::tensor(present, at::kDouble).unsqueeze(1);
  return sorted;
}

void contract(const float* lambda, const float* emission, const std::vector<int64_t>& samples, int64_t points,
              const ResponseBlock& block) {
  for (size_t row = 0; row < samples.size(); ++row) {
    if (samples[row] < 0) continue;  // moves nothing
    const auto first = static_cast<int64_t>(row) * points;
    addProduct({block.seeds, block.columns, points, points, block.columns, block.columns, true},
               lambda + first * block.seeds, emission + first * block.columns, block.at(samples[row], 0));
  }
}

float* threadScratch(ScratchSlot slot, int64_t count) {
  thread_local std::array<std::vector<float>, kScratchSlots> memory;
  auto& one = memory.at(static_cast<size_t>(slot));
  if (static_cast<int64_t>(one.size()) < count) one.resize(static_cast<size_t>(count));
  return one.data();
}

}  // namespace heft
