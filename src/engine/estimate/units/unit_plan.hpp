#pragma once

#include <ATen/core/Tensor.h>

#include <compare>
#include <vector>

namespace heft {

/// A tensor that leaves the units: an argument of an operator that mixes positions, or an output of forward.
struct ExitPoint {
  static constexpr int64_t kOutput = -1;

  int64_t call = 0;      ///< which call of an operator in a run, from 0; kOutput for an output of forward
  int64_t argument = 0;  ///< which argument, or which output
  int64_t element = -1;  ///< which tensor of an argument that is a list; -1 where it is a tensor itself
  /// The argument of a layer norm in whose rows each unit has one position. What that does to the row's other positions
  /// ends the unit behind the norm; the position itself goes on inside (NormExit).
  bool norm = false;

  auto operator<=>(const ExitPoint&) const = default;
};

/// Which weights of a parameter, seen as a matrix of features by variants or turned, one variant changes together.
enum class UnitAxis {
  rows,      ///< one feature a row: a variant is a column
  columns,   ///< one feature a column: a variant is a row
  elements,  ///< each weight is a feature of its own: one variant
};

/// One parameter whose weights act inside units: what pointwise operators make of the features that it feeds, up to the
/// operators that mix features. Features that meet in one position form a unit (the gates of a cell); those of one unit
/// differ in colour. Weights of different units, of one colour, change at once without meeting.
struct UnitParameter {
  int64_t parameter = 0;  ///< or derived weight: an index for Model::weights()
  UnitAxis axis = UnitAxis::rows;
  int64_t columns = 1;   ///< of the parameter, seen as that matrix
  int64_t features = 0;  ///< that its weights make
  int64_t units = 0;
  int64_t colours = 0;
  std::vector<int64_t> feature;   ///< [units x colours]: the feature, or -1
  std::vector<int64_t> variants;  ///< columns or rows that the run read, ascending
  /// Where the units end: an index into UnitPlan::exits, and int64 [positions]: the unit of each position, -1 for none.
  /// A norm's exit has two positions for each of its argument's.
  struct Exit {
    size_t index = 0;
    at::Tensor unit;
  };
  std::vector<Exit> exits;

  /// One weight that a variant changes.
  struct Weight {
    int64_t unit = 0;
    int64_t flat = 0;  ///< row-major place in the parameter
  };
  /// The weights of all units that column (or row) `variant` and colour `colour` are.
  [[nodiscard]] std::vector<Weight> weights(int64_t variant, int64_t colour) const;
};

/// The units of a model, as one run of forward showed them.
struct UnitPlan {
  std::vector<ExitPoint> exits;  ///< ascending
  std::vector<UnitParameter> parameters;

  [[nodiscard]] bool covers(int64_t parameter) const {
    for (const auto& one : parameters) {
      if (one.parameter == parameter) return true;
    }
    return false;
  }
};

}  // namespace heft
