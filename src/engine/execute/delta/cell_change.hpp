#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heft {

/// One changed entry of a weight matrix, or of a bias (its column is 0).
struct WeightEntry {
  int32_t row = 0;
  int32_t column = 0;
  float change = 0;  ///< what the variant adds to the weight
};

/// What one variant adds to the weights of one layer in one direction.
struct CellChange {
  std::vector<WeightEntry> input, recurrent, input_bias, recurrent_bias, projection;

  [[nodiscard]] std::size_t entries() const {
    return input.size() + recurrent.size() + input_bias.size() + recurrent_bias.size() + projection.size();
  }
  [[nodiscard]] bool any() const { return entries() > 0; }
};

}  // namespace heft
