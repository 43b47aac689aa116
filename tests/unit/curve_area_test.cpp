#include "analysis/curve_area.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "heft/error.hpp"

namespace heft {
namespace {

using Points = std::vector<CurvePoint>;

TEST(CurveArea, IsTheMeanHeight) {
  EXPECT_DOUBLE_EQ(curveArea(Points{{0, 1}, {1, 0}}).value(), 0.5);
  EXPECT_DOUBLE_EQ(curveArea(Points{{0.2, 3}, {0.3, 3}, {0.9, 3}}).value(), 3);
  EXPECT_DOUBLE_EQ(curveArea(Points{{0, 0}, {0.5, 0}, {0.5, 1}, {1, 1}}).value(), 0.5);  // a step
}

TEST(CurveArea, CountsDecadesAlikeOnALogarithmicAxis) {
  const Points points{{0, 7}, {0.01, 1}, {0.1, 1}, {0.1, 0}, {1, 0}};
  EXPECT_DOUBLE_EQ(curveArea(points, ShareAxis::logarithmic).value(), 0.5);
}

TEST(CurveArea, LeavesValuesThatAreNotThereOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_DOUBLE_EQ(curveArea(Points{{0, 1}, {0.1, nan}, {1, 0}}).value(), 0.5);
  EXPECT_FALSE(curveArea(Points{{0, 1}, {0.1, nan}}).has_value());
  EXPECT_FALSE(curveArea(Points{}).has_value());
  EXPECT_FALSE(curveArea(Points{{0.5, 1}, {0.5, 2}}).has_value());
}

TEST(CurveArea, RefusesSharesThatFall) {
  EXPECT_THROW((void)curveArea(Points{{0.5, 1}, {0.4, 1}}), Error);
  EXPECT_THROW((void)curveArea(Points{{-0.1, 1}}), Error);
}

}  // namespace
}  // namespace heft
