#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace heft {

class Session;

/// The features that a model reads: the last dimension of its first floating input.
struct InputFeatures {
  std::size_t argument = 0;  ///< of forward
  std::int64_t count = 0;
};

/// None where there is no floating input, or the first has fewer than two dimensions or more than 256 features.
std::optional<InputFeatures> inputFeatures(Session& session);

/// Throws Error(Fault::usage) where there are names, but not one a feature.
void checkFeatureNames(Session& session, std::span<const std::string> names);

}  // namespace heft
