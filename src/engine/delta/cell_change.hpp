#pragma once

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

  [[nodiscard]] bool any() const {
    return !input.empty() || !recurrent.empty() || !input_bias.empty() || !recurrent_bias.empty() ||
           !projection.empty();
  }
};

}  // namespace heft
