#include "measure/estimate/readings.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {

double readingsOf(const Site& site) {
  double readings = 0;
  for (const auto& leaf : site.leaves()) {
    const auto width = leaf.dim() == 0 ? 1 : leaf.size(-1);
    readings = std::max(readings, static_cast<double>(leaf.numel()) / static_cast<double>(width));
  }
  return readings;
}

}  // namespace heft
