#pragma once

#include <cstdint>

namespace heft {

/// A part of the inputs: the first `size` of `of` places of one dimension. Default: all of them.
struct InputCut {
  int64_t dim = 0;  ///< of the first tensor
  int64_t of = 0;
  int64_t size = 0;

  [[nodiscard]] bool cuts() const { return size < of; }
  [[nodiscard]] double times() const { return cuts() ? static_cast<double>(of) / static_cast<double>(size) : 1; }
};

}  // namespace heft
