#include "measure/estimate/square_values.hpp"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <limits>

#include "engine/kernels/cuda/response_rows.hpp"
#include "engine/kernels/device_kernels.hpp"

namespace heft {

SquareValues squareValues(const SquareForm& form, const at::Tensor& block) {
  const c10::DeviceGuard guard(block.device());
  const auto rows = block.size(0), columns = block.size(3);
  const auto seen = block.view({rows, form.samples, -1, columns});
  const auto n = static_cast<double>(form.samples / form.together);
  SquareValues all;
  for (const auto& value : form.values) {
    auto q = at::empty({rows, form.samples, columns}, block.options().dtype(at::kDouble));
    kernels::seedSquares({rows * form.samples, seen.size(2), columns, value.first, value.count,
                          block.const_data_ptr<float>(), q.mutable_data_ptr<double>()},
                         placeOf(block.device()));
    q.mul_(value.scale);
    if (value.slope != 0) q.add_(seen.select(2, value.linear), value.slope);
    if (form.together > 1) q = q.view({rows, -1, form.together, columns}).mean(2);
    const auto mean = q.mean(1);
    const auto impact = value.root ? mean.sqrt() : mean.abs();
    auto error = at::full_like(mean, std::numeric_limits<double>::quiet_NaN());
    if (n > 1) {
      error = ((q.square().mean(1) - mean.square()) / (n - 1)).clamp_min(0).sqrt();
      // Delta method: sd(sqrt m) = sd(m) / (2 sqrt m).
      if (value.root) error = at::where(mean.gt(0), error / (2 * impact), at::zeros_like(error));
    }
    all.impact.push_back(impact.to(at::kCPU).contiguous());
    all.standard_error.push_back(error.to(at::kFloat).to(at::kCPU).contiguous());
  }
  return all;
}

}  // namespace heft
