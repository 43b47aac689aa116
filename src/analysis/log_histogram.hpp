#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heft {

/// Equal bins of log10 of a positive quantity.
struct LogAxis {
  double from = 0;   ///< log10 of the lower end of the first bin
  double width = 1;  ///< of a bin, in decades
  std::size_t bins = 0;

  /// The bin of a positive value; values outside fall into the nearest bin.
  [[nodiscard]] std::size_t binOf(double value) const noexcept;
};

/// How many pairs fall into each cell of two logarithmic axes.
struct LogHistogram {
  LogAxis x, y;
  std::vector<std::uint32_t> counts;  ///< [y.bins, x.bins], row-major
  std::size_t counted = 0;            ///< pairs in it
  std::size_t zero_x = 0;             ///< pairs left out since x is 0, which has no logarithm
  std::size_t zero_y = 0;             ///< pairs left out since y is 0 and x isn't
};

/// Counts pairs (|x|, y) over their own range; a pair with a NaN or infinite side is no pair. At most `bins` bins an axis,
/// one where all values are equal. Bins below `floor` times the largest value of an axis are not made: what is smaller
/// falls into the first. Throws Error(Fault::internal) where the lengths differ.
[[nodiscard]] LogHistogram logHistogram(std::span<const float> x, std::span<const float> y, std::size_t bins,
                                        double floor = 1e-12);

}  // namespace heft
