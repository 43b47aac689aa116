#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compare/measures/removal.hpp"
#include "mask/mask.hpp"

namespace heft::cli {

/// What `heft mask` has done.
struct MaskReport {
  std::string file, criterion, label;
  MaskSettings settings;
  Mask mask;
  std::optional<RemovalBaseline> before;  ///< none: not executed
  std::optional<RemovalPoint> after;
  std::string applied;  ///< the model written; empty: none
  /// Where whole components were kept.
  struct Components {
    std::string words;  ///< "units", "units (outgoing)"
    std::string scope;  ///< "global", "layer", "matrix"
    std::size_t ranked = 0;
    std::vector<std::string> removed;
    std::size_t without_score = 0;
  };
  std::optional<Components> components;
};

[[nodiscard]] std::string textOf(const MaskReport& report, const Structure& structure);
[[nodiscard]] std::string jsonOf(const MaskReport& report, const Structure& structure);

}  // namespace heft::cli
