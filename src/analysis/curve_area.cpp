#include "analysis/curve_area.hpp"

#include <cmath>
#include <string>

#include "heft/error.hpp"

namespace heft {

std::optional<double> curveArea(std::span<const CurvePoint> points, ShareAxis axis) {
  double area = 0, first = 0, last_x = 0, last_value = 0, last_share = 0;
  bool begun = false;
  for (const CurvePoint& point : points) {
    if (!(point.share >= last_share)) {
      throw Error(Fault::internal, "a curve's shares must not fall, be negative or NaN, found " +
                                       std::to_string(point.share) + " after " + std::to_string(last_share));
    }
    last_share = point.share;
    if (std::isnan(point.value) || (axis == ShareAxis::logarithmic && point.share == 0)) continue;
    const double x = axis == ShareAxis::logarithmic ? std::log(point.share) : point.share;
    if (begun) {
      area += 0.5 * (last_value + point.value) * (x - last_x);
    } else {
      first = x;
    }
    begun = true;
    last_x = x;
    last_value = point.value;
  }
  if (!begun || last_x == first) return std::nullopt;
  return area / (last_x - first);
}

}  // namespace heft
