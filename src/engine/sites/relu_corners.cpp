#include "engine/sites/relu_corners.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {

void addCorners(const ReluReaders& readers, int64_t unit, const float* emission, int64_t points,
                const std::vector<int64_t>& samples, const ResponseBlock& block) {
  const auto rows = readers.pre_activation.size(0);
  const auto steps = readers.pre_activation.size(1);
  const auto count = readers.pre_activation.size(2);
  const auto seeds = readers.lambda.size(2);
  const auto columns = block.columns;
  const auto* weight = readers.weight.const_data_ptr<float>() + unit * count;
  const auto* lambda = readers.lambda.const_data_ptr<float>();
  auto* beyond = threadScratch(2, columns);
  for (int64_t row = 0; row < rows; ++row) {
    const auto sample = samples[static_cast<size_t>(row)];
    if (sample < 0) continue;
    for (int64_t t = 0; t + readers.delay < steps; ++t) {
      const auto step = readers.turned ? steps - 1 - t : t + readers.delay;
      const float* change = emission + (row * points + t) * columns;
      const auto [least, most] = std::minmax_element(change, change + columns);
      if (*least == 0 && *most == 0) continue;
      const float* a = readers.pre_activation.const_data_ptr<float>() + (row * steps + step) * count;
      for (int64_t reader = 0; reader < count; ++reader) {
        const float w = weight[reader];
        const float sign = a[reader] > 0 ? -1.0f : 1.0f;
        const float reach = std::max(sign * w * *least, sign * w * *most);
        if (reach + sign * a[reader] <= 0) continue;  // no column takes this one over its corner
        for (int64_t j = 0; j < columns; ++j) beyond[j] = std::max(0.0f, sign * (a[reader] + w * change[j]));
        const float* l = lambda + (reader * rows + row) * seeds * steps + step;
        for (int64_t seed = 0; seed < seeds; ++seed) {
          const float slope = l[seed * steps];
          float* out = block.at(sample, seed);
          for (int64_t j = 0; j < columns; ++j) out[j] += slope * beyond[j];
        }
      }
    }
  }
}

}  // namespace heft
