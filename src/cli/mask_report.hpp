#pragma once

#include <optional>
#include <string>

#include "mask/mask.hpp"
#include "measure/removal.hpp"

namespace heft::cli {

/// What `heft mask` has done.
struct MaskReport {
  std::string file, criterion, label;
  MaskSettings settings;
  Mask mask;
  std::optional<RemovalBaseline> before;  ///< none: not executed
  std::optional<RemovalPoint> after;
  std::string applied;  ///< the model written; empty: none
};

[[nodiscard]] std::string textOf(const MaskReport& report, const Structure& structure);
[[nodiscard]] std::string jsonOf(const MaskReport& report, const Structure& structure);

}  // namespace heft::cli
