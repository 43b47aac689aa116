#include "engine/estimate/sites/lambda_table.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/kernels/cuda/response_rows.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr int64_t kTogether = 64;  ///< seeds that are added to the Gram matrices at once

}  // namespace

double LambdaTable::bytes(int64_t units, int64_t rows, int64_t seeds, int64_t points, bool squares) const {
  const auto each = static_cast<double>(units * rows * points);
  if (!keepsGram(seeds, points, squares)) return 4 * each * static_cast<double>(seeds);
  return each * (4.0 * kTogether * (keeps_some_ ? 2 : 1) + 12.0 * static_cast<double>(points));
}

void LambdaTable::begin(int64_t units, int64_t rows, int64_t seeds, int64_t points, bool squares) {
  seeds_ = seeds;
  points_ = points;
  waiting_ = 0;
  factored_ = false;
  gram_ = some_ = at::Tensor();
  const bool keeps_gram = keepsGram(seeds, points, squares);
  const auto room = keeps_gram ? kTogether : seeds;
  if (by_points_) {
    storage_ = at::zeros({units, rows, points, kernels::paddedSeeds(room)}, options());
    show(room);
  } else {
    values_ = at::zeros({units, rows, room, points}, options());
  }
  if (keeps_gram) gram_ = at::zeros({units * rows, points, points}, options().dtype(at::kDouble));
}

at::TensorOptions LambdaTable::options() const {
  return at::TensorOptions(at::kFloat).device(by_points_.value_or(at::Device(at::kCPU)));
}

void LambdaTable::show(int64_t seeds) { values_ = storage_.narrow(3, 0, seeds).transpose(2, 3); }

at::Tensor LambdaTable::take(int64_t seed) {
  if (!gram_.defined()) return values_.select(2, seed);
  if (waiting_ == kTogether) gather();
  return values_.select(2, waiting_++);
}

void LambdaTable::gather() {
  const auto some = values_.flatten(0, 1);
  gram_.add_(at::bmm(some.transpose(1, 2), some));
  if (keeps_some_ && !some_.defined()) some_ = values_.narrow(2, 0, waiting_).clone();
  values_.zero_();
  waiting_ = 0;
}

void LambdaTable::end() {
  if (!gram_.defined()) return;
  gather();
  const auto scale = gram_.diagonal(0, 1, 2).mean(1);
  const auto eye = at::eye(points_, gram_.options());
  // G is singular where the points are more than the outputs, and summed up in float32; a small addition, relative and no larger
  // than each matrix needs, lets it be factored.
  auto factors = at::empty_like(gram_);
  auto left = at::arange(gram_.size(0), gram_.options().dtype(at::kLong));
  for (const double addition : {1e-13, 1e-11, 1e-9, 1e-7, 1e-6, 1e-5}) {
    const auto added = (scale.index_select(0, left) * addition + 1e-300).view({-1, 1, 1}) * eye;
    const auto [factor, info] = at::linalg_cholesky_ex(gram_.index_select(0, left) + added);
    factors.index_copy_(0, left, factor);
    left = left.masked_select(info.ne(0));
    if (left.numel() > 0) continue;
    const auto units = values_.size(0), rows = values_.size(1);
    if (by_points_) {
      const auto padded = kernels::paddedSeeds(points_);
      storage_ =
          at::constant_pad_nd(factors.to(at::kFloat), {0, padded - points_}).view({units, rows, points_, padded});
      show(points_);
    } else {
      values_ = factors.transpose(1, 2).to(at::kFloat).contiguous().view({units, rows, points_, points_});
    }
    gram_ = at::Tensor();
    factored_ = true;
    return;
  }
  throw Error(Fault::internal, "the Gram matrices of the adjoints can't be factored");
}

}  // namespace heft
