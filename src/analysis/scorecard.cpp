#include "analysis/scorecard.hpp"

#include <algorithm>
#include <cmath>

namespace heft {

std::size_t topSize(std::size_t share, std::size_t size) {
  // 0.01 x 700 is a little more than 7 in doubles.
  const double wanted = overlapShares.at(share) * static_cast<double>(size) * (1 - 1e-15);
  return std::min(size, static_cast<std::size_t>(std::ceil(wanted)));
}

}  // namespace heft
