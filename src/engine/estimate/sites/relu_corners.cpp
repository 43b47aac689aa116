#include "engine/estimate/sites/relu_corners.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace heft {
namespace {

/// Adds l[seed] x beyond[column] for every seed.
void spread(const ReluLayer& layer, int64_t unit, int64_t row, int64_t step, const float* beyond, int64_t sample,
            const ResponseBlock& block) {
  const auto seeds = layer.lambda.size(2);
  const float* lambda =
      layer.lambda.const_data_ptr<float>() + (unit * layer.rows() + row) * seeds * layer.steps() + step;
  for (int64_t seed = 0; seed < seeds; ++seed) {
    const float slope = lambda[seed * layer.steps()];
    if (slope == 0) continue;
    float* out = block.at(sample, seed);
    for (int64_t j = 0; j < block.columns; ++j) out[j] += slope * beyond[j];
  }
}

/// Turns how far each column takes a unit at `a` into what it emits beyond its slope; false where no column does.
bool overCorner(float a, float* x, int64_t columns) {
  const float sign = a > 0 ? -1.0f : 1.0f;
  float most = 0;
  for (int64_t j = 0; j < columns; ++j) {
    x[j] = std::max(0.0f, sign * (a + x[j]));
    most = std::max(most, x[j]);
  }
  return most > 0;
}

/// sum over starts of slope[start] x emission[start, column]
void reached(const float* slope, const float* emission, int64_t steps, int64_t columns, float* x) {
  std::fill(x, x + columns, 0.0f);
  for (int64_t start = 0; start < steps; ++start) {
    const float by = slope[start];
    if (by == 0) continue;
    for (int64_t j = 0; j < columns; ++j) x[j] += by * emission[start * columns + j];
  }
}

/// What the changed unit emits when others answer it, beyond its baseline slope.
void addOwnCorner(const ReluReach::Layer& own, const ChangedUnit& changed, int64_t row, int64_t step, int64_t sample,
                  float* x, const ResponseBlock& block) {
  const auto& layer = *own.layer;
  const auto steps = layer.steps();
  const auto columns = block.columns;
  const auto units = layer.units();
  const float* a = layer.pre_activation.const_data_ptr<float>() + row * steps * units;
  const float* slope = own.slope.const_data_ptr<float>() + row * steps * units * steps;
  const float* emission = changed.emission + row * steps * columns;
  const float* moved = changed.moved + (row * steps + step) * columns;
  const float here = a[step * units + changed.unit];
  reached(slope + (step * units + changed.unit) * steps, emission, steps, columns, x);
  const float passes = here > 0 ? 1.0f : 0.0f;
  for (int64_t j = 0; j < columns; ++j) {
    float heard = x[j];
    if (changed.change != nullptr && step > 0 && j != changed.unit && a[(step - 1) * units + j] > 0) {
      const float* other = slope + ((step - 1) * units + j) * steps;
      float answer = 0;
      for (int64_t start = 0; start < step; ++start) answer += other[start] * emission[start * columns + j];
      heard += changed.change[j] * answer;
    }
    const float alone = here + moved[j];
    x[j] = std::max(0.0f, alone + heard) - std::max(0.0f, alone) - passes * x[j];
  }
  spread(layer, changed.unit, row, step, x, sample, block);
}

}  // namespace

void addCorners(const ReluReach& reach, const ChangedUnit& changed, const std::vector<int64_t>& samples,
                const ResponseBlock& block) {
  const auto columns = block.columns;
  auto* x = threadScratch(ScratchSlot::reading, columns);
  for (const auto& part : reach.layers) {
    const auto& layer = *part.layer;
    const auto steps = layer.steps();
    const auto units = layer.units();
    const bool own = &part == reach.layers.data();
    for (int64_t row = 0; row < layer.rows(); ++row) {
      const auto sample = samples[static_cast<size_t>(row)];
      if (sample < 0) continue;
      const float* emission = changed.emission + row * steps * columns;
      float largest = 0;
      for (int64_t i = 0; i < steps * columns; ++i) largest = std::max(largest, std::abs(emission[i]));
      if (largest == 0) continue;
      for (int64_t step = 0; step < steps; ++step) {
        const auto first = (row * steps + step) * units;
        const float* a = layer.pre_activation.const_data_ptr<float>() + first;
        const float* most = part.most.const_data_ptr<float>() + first;
        const float* slope = part.slope.const_data_ptr<float>() + first * steps;
        for (int64_t unit = 0; unit < units; ++unit) {
          if (own && unit == changed.unit) {
            addOwnCorner(part, changed, row, step, sample, x, block);
            continue;
          }
          if (most[unit] * largest <= std::abs(a[unit])) continue;  // no column can take this one over its corner
          reached(slope + unit * steps, emission, steps, columns, x);
          if (overCorner(a[unit], x, columns)) spread(layer, unit, row, step, x, sample, block);
        }
      }
    }
  }
}

namespace {

void addReaders(const ReluLayer& layer, const at::Tensor& weights, bool turned, int64_t delay,
                const ChangedUnit& changed, const std::vector<int64_t>& samples, const ResponseBlock& block) {
  const auto steps = layer.steps();
  const auto units = layer.units();
  const auto columns = block.columns;
  auto* x = threadScratch(ScratchSlot::reading, columns);
  for (int64_t row = 0; row < layer.rows(); ++row) {
    const auto sample = samples[static_cast<size_t>(row)];
    if (sample < 0) continue;
    for (int64_t t = 0; t + delay < steps; ++t) {
      const auto step = turned ? steps - 1 - t : t + delay;
      const float* emission = changed.emission + (row * steps + t) * columns;
      const auto [least, most] = std::minmax_element(emission, emission + columns);
      if (*least == 0 && *most == 0) continue;
      const float* a = layer.pre_activation.const_data_ptr<float>() + (row * steps + step) * units;
      const float* weight = weights.const_data_ptr<float>();
      for (int64_t unit = 0; unit < units; ++unit) {
        if (delay > 0 && unit == changed.unit) continue;  // its own recurrence is exact
        const float w = weight[unit];
        const float sign = a[unit] > 0 ? -1.0f : 1.0f;
        if (std::max(sign * w * *least, sign * w * *most) + sign * a[unit] <= 0) continue;
        for (int64_t j = 0; j < columns; ++j) x[j] = w * emission[j];
        if (overCorner(a[unit], x, columns)) spread(layer, unit, row, step, x, sample, block);
      }
    }
  }
}

}  // namespace

void addNearCorners(const ReluLayer& layer, const ChangedUnit& changed, const std::vector<int64_t>& samples,
                    const ResponseBlock& block) {
  addReaders(layer, layer.recurrent.select(1, changed.unit).contiguous(), false, 1, changed, samples, block);
  for (const auto& reader : layer.readers) {
    if (!follows(layer, reader)) continue;
    addReaders(*reader.layer, reader.layer->input.select(1, reader.column + changed.unit).contiguous(), reader.turned,
               0, changed, samples, block);
  }
}

}  // namespace heft
