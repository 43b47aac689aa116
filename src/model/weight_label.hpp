#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/structure.hpp"

namespace heft {

/// How a weight is named on the terminal, in tables and in `--component`: "lstm.weight_hh_l0[12,7]", "lstm.bias_ih_l0[12]",
/// "conv.weight[2,1,0]"; a scalar is "gain[0]". `flat` is the row-major place in the parameter.
[[nodiscard]] std::string weightLabel(const ParameterInfo& parameter, std::int64_t flat);

/// Where a weight stands in the model, in the words of the tables.
struct WeightPlace {
  std::string layer;                   ///< "lstm.l0"; "" outside recurrent layers
  std::string direction;               ///< "forward", "reverse"; "" outside recurrent layers
  std::string gate;                    ///< "i", "f", ...; "" where rows are not stacked by gate
  std::optional<std::int64_t> unit;    ///< the row within its gate: the neuron that the weight feeds; none in a scalar
  std::optional<std::int64_t> column;  ///< what it reads: an input, or a unit of the step before; none in a vector
};

/// Throws Error(Fault::internal) where there is no such parameter or weight.
[[nodiscard]] WeightPlace describeWeight(const Structure& structure, std::size_t parameter, std::int64_t flat);

}  // namespace heft
