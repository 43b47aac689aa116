#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/structure.hpp"

namespace heft {

/// Places along one dimension: first, first + step, ... below `end`.
struct Slice {
  std::int64_t first = 0;
  std::int64_t end = 0;
  std::int64_t step = 1;
  bool single = false;  ///< one place, written as a number and not as a range

  [[nodiscard]] std::int64_t count() const { return (end - first + step - 1) / step; }
};

/// The weights of a parameter that `[...]` behind its name stands for: a slice a dimension, of the
/// parameter's own dimensions or of its matrix form, {rows, columns}. Flat places are row-major and the same
/// in both.
struct Block {
  std::vector<std::int64_t> dims;
  std::vector<Slice> slices;

  /// The flat places, ascending.
  [[nodiscard]] std::vector<std::int64_t> places() const;
  /// Every place along the dimension, written as a range?
  [[nodiscard]] bool full(std::size_t dim) const;
};

/// "name[rows,columns]" in two.
struct NameAndPlaces {
  std::string_view name;
  std::optional<std::string_view> places;  ///< what stands between the brackets; none: no brackets
};

/// Throws Error(Fault::usage) where brackets are not closed at the end.
[[nodiscard]] NameAndPlaces splitPlaces(std::string_view text);

/// Reads what stands between the brackets, for one parameter, as Python would: numbers and ranges first:end
/// or first:end:step, comma-separated; negative numbers count from the end; either end of a range may be left
/// open. Unlike in Python a range that leaves the parameter is refused, and so are steps below 1 and ranges
/// that hold nothing.
///
///   [3]            row 3; of a vector, its weight 3
///   [0:16,:]       rows and columns. A parameter with more dimensions is seen as a matrix here: its first
///   dimension
///                  and all the others flattened; a vector as a matrix with one column
///   [2,1,0,4]      one number or range for each of the parameter's dimensions
///
/// The result is in its shortest form: matrix form where that can say it, the one dimension for a vector.
/// Throws Error(Fault::usage) that names the parameter and its size.
[[nodiscard]] Block parseBlock(std::string_view places, const ParameterInfo& parameter);

/// The name that stands for the block: "p[3,:]", "p[0:16,7]"; one weight by an index for each dimension,
/// "p[2,1,0,4]"; the whole parameter without brackets. Reads back as the same block.
[[nodiscard]] std::string blockName(const ParameterInfo& parameter, const Block& block);

}  // namespace heft
