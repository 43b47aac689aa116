#pragma once

#include <cstdint>
#include <vector>

namespace heft {

/// New values for some weights of one parameter.
struct Change {
  int64_t parameter = 0;       ///< index into Model::parameters
  std::vector<int64_t> index;  ///< flat, row-major places in the parameter's shape
  std::vector<double> value;   ///< what stands there in the variant
};

/// The model with a component changed.
struct Variant {
  std::vector<Change> changes;
};

}  // namespace heft
