#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace heft {

/// A recurrent layer of relu units in one direction, and which layers read what it emits.
struct ReluLayer {
  at::Tensor pre_activation;  ///< float32 [rows, steps, units]
  at::Tensor
      lambda;  ///< float32 [units, rows, seeds, steps]: adjoint of what a unit emits, its own recurrence included
  at::Tensor recurrent;  ///< float32 [units, units]: to a unit, from a unit's emission one step before
  at::Tensor input;      ///< float32 [units, inputs]

  struct Reader {
    const ReluLayer* layer;
    int64_t column;  ///< of its input weights, for the first unit of this layer
    bool turned;     ///< it goes through the steps the other way round
  };
  std::vector<Reader> readers;

  [[nodiscard]] int64_t rows() const { return pre_activation.size(0); }
  [[nodiscard]] int64_t steps() const { return pre_activation.size(1); }
  [[nodiscard]] int64_t units() const { return pre_activation.size(2); }
  /// False before its adjoints are taken, and for what has no corners that can be followed.
  [[nodiscard]] bool defined() const { return lambda.defined(); }
};

/// True where what a layer emits at a step is read at that step, or its mirror image.
inline bool follows(const ReluLayer& from, const ReluLayer::Reader& reader) {
  return reader.layer->defined() && reader.layer->rows() == from.rows() && reader.layer->steps() == from.steps();
}

}  // namespace heft
