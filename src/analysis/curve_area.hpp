#pragma once

#include <optional>
#include <span>

namespace heft {

/// A point of a deletion or insertion curve.
struct CurvePoint {
  double share;  ///< of the weights removed (deletion) or kept (insertion), 0 to 1
  double value;  ///< what is drawn above it: accuracy, loss, rms
};

enum class ShareAxis {
  linear,  ///< the field's: deletion and insertion are scored so (Petsiuk, Das, Saenko, RISE, BMVC 2018, section 3.3)
  logarithmic,  ///< each decade of shares counts alike, as where a few weights out of millions matter; shares above 0 only
};

/// The area under a curve by trapezoids, divided by the width of the axis that the points span: the curve's mean height, in
/// the values' own unit,
///
///     sum of (v_i + v_(i+1)) / 2 * (x_(i+1) - x_i)  /  (x_last - x_first),   x = share or log(share).
///
/// A point whose value is NaN is left out; on the logarithmic axis, so is a share of 0. Points come with shares that don't
/// fall; two at one share are a step. No value where fewer than two points of different shares are left. Throws
/// Error(Fault::internal) for shares that fall, are negative or NaN.
[[nodiscard]] std::optional<double> curveArea(std::span<const CurvePoint> points, ShareAxis axis = ShareAxis::linear);

}  // namespace heft
