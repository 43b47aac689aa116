#pragma once

#include <cstddef>

namespace heft {

/// P(X <= hits) for X the number of hits in `draws` independent draws that each hit with probability `p`, summed term by
/// term. Throws Error(Fault::internal) where p lies outside [0, 1].
[[nodiscard]] double binomialAtMost(std::size_t hits, std::size_t draws, double p);

}  // namespace heft
