#include "analysis/log_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "heft/error.hpp"

namespace heft {
namespace {

struct Range {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;

  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

LogAxis axisOf(const Range& range, std::size_t bins, double floor) {
  LogAxis axis;
  if (!(range.most > 0)) return axis;
  const double low = std::log10(std::max(range.least, range.most * floor));
  const double high = std::log10(range.most);
  axis.bins = high > low ? bins : 1;
  axis.from = low;
  axis.width = high > low ? (high - low) / static_cast<double>(bins) : 1;
  if (axis.bins == 1) axis.from = low - axis.width / 2;
  return axis;
}

}  // namespace

std::size_t LogAxis::binOf(double value) const noexcept {
  const double place = std::floor((std::log10(value) - from) / width);
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins) - 1));
}

LogHistogram logHistogram(std::span<const float> x, std::span<const float> y, std::size_t bins, double floor) {
  if (x.size() != y.size() || bins == 0) {
    throw Error(Fault::internal, "a histogram of " + std::to_string(x.size()) + " and " + std::to_string(y.size()) +
                                     " values in " + std::to_string(bins) + " bins");
  }
  LogHistogram result;
  Range across, up;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = std::abs(static_cast<double>(x[i])), b = y[i];
    if (!std::isfinite(a) || !std::isfinite(b)) continue;
    if (!(a > 0)) {
      ++result.zero_x;
    } else if (!(b > 0)) {
      ++result.zero_y;
    } else {
      across.add(a);
      up.add(b);
      ++result.counted;
    }
  }
  result.x = axisOf(across, bins, floor);
  result.y = axisOf(up, bins, floor);
  result.counts.assign(result.x.bins * result.y.bins, 0);
  for (std::size_t i = 0; i < x.size() && result.counted > 0; ++i) {
    const double a = std::abs(static_cast<double>(x[i])), b = y[i];
    if (!std::isfinite(a) || !std::isfinite(b) || !(a > 0) || !(b > 0)) continue;
    ++result.counts[result.y.binOf(b) * result.x.bins + result.x.binOf(a)];
  }
  return result;
}

}  // namespace heft
