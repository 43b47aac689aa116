#include "engine/execute/beside_loop.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace heft {
namespace {

double rms(const at::Tensor& values) { return values.square().mean().sqrt().item<double>(); }

/// Of outputs that are not numbers where the loop's are.
constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

double BesideLoop::worst(std::span<const Variant> variants, const at::Tensor& outputs, const at::Tensor& baseline,
                         size_t more) const {
  const auto moved = (outputs - baseline).square().mean(at::IntArrayRef{1, 2}).nan_to_num(0, 0, 0);
  const auto rounding = (native_ ? 1e-5 : 1e-11) * rms(baseline.nan_to_num(0, 0, 0));
  std::set<size_t> some{0, static_cast<size_t>(moved.argmax().item<int64_t>())};
  for (size_t i = 1; i <= more; ++i) some.insert(i * (variants.size() - 1) / more);
  double worst = 0;
  for (const auto v : some) {
    at::Tensor truth;
    loop_.execute(variants.subspan(v, 1), [&](size_t, const at::Tensor& table) { truth = table[0]; });
    const auto found = outputs[static_cast<int64_t>(v)];
    const auto same = found.eq(truth).logical_or(found.isnan().logical_and(truth.isnan()));
    const auto error = rms(at::where(same, at::zeros_like(found), found - truth));
    const auto change = rms((truth - baseline).nan_to_num(0, 0, 0));
    const auto beyond = error - rounding;
    if (std::isnan(error) || beyond > 0) worst = std::max(worst, std::isnan(error) ? kNever : beyond / change);
  }
  return worst;
}

}  // namespace heft
