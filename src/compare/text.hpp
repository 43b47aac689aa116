#pragma once

#include <optional>
#include <span>
#include <string>

#include "compare/cards.hpp"
#include "compare/shift.hpp"

namespace heft {

/// The scorecard for a terminal: a row a criterion, the closest first, then what removing weights did, in sentences.
[[nodiscard]] std::string comparisonText(std::span<const CriterionCard> cards, std::span<const RemovalCurve> curves,
                                         const RemovalBaseline& baseline);

/// Two runs side by side.
[[nodiscard]] std::string shiftText(const Shift& shift, const Structure& structure, const std::string& here,
                                    const std::string& there);

}  // namespace heft
