#include "engine/estimate/units/unit_plan.hpp"

namespace heft {

std::vector<UnitParameter::Weight> UnitParameter::weights(int64_t variant, int64_t colour) const {
  std::vector<Weight> weights;
  for (int64_t unit = 0; unit < units; ++unit) {
    const auto one = feature[static_cast<size_t>(unit * colours + colour)];
    if (one < 0) continue;
    if (axis == UnitAxis::elements)
      weights.push_back({unit, one});
    else if (axis == UnitAxis::rows)
      weights.push_back({unit, one * columns + variant});
    else
      weights.push_back({unit, variant * columns + one});
  }
  return weights;
}

}  // namespace heft
