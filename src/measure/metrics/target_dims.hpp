#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dims.hpp"

namespace heft {

/// A dimension of an output that targets may have as well.
struct TargetDim {
  DimRole role = DimRole::other;
  std::int64_t size = 1;
  bool narrowed = false;  ///< one place of it alone is scored; targets may have all, or none
};

/// By dimension of the targets: which of the output's it is; -1: one of size 1 that none is.
using TargetMatch = std::vector<std::int64_t>;

/// What targets may hold for an output of such dimensions.
enum class TargetKind {
  labels,   ///< a class for every place but the classes', or one a sample for all of its places
  one_hot,  ///< the same with the classes as a dimension
  values    ///< a number for every element
};

/// Every way to read targets of this shape: each dimension has the size of the one that it is, and unnamed ones keep their
/// order. `given`: what a person says that they are.
[[nodiscard]] std::vector<TargetMatch> matchTargets(const std::vector<std::int64_t>& shape,
                                                    const std::vector<TargetDim>& dims, TargetKind kind,
                                                    const std::optional<DimRoles>& given);

/// "samples,steps": a match as the setting dims takes it.
[[nodiscard]] std::string matchText(const TargetMatch& match, const std::vector<TargetDim>& dims);

/// "one class a sample, [12], or one a sample and step, [12, 7], was expected": the shapes that would do.
[[nodiscard]] std::string wantedShapes(const std::vector<TargetDim>& dims, TargetKind kind);

}  // namespace heft
