#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Lines of the verdict are at most this wide.
inline constexpr std::size_t verdictWidth = 100;

/// The closing words of a ranking for a terminal: the top (20 places at most), magnitude against impact for
/// each parameter, one sentence on magnitude, and how sure it all is. UTF-8; lines end in \n.
[[nodiscard]] std::string verdict(const Run& run, const Findings& findings);

/// The verdict in a sentence: of magnitude, or, for a run of components alone, what matters most.
[[nodiscard]] std::string verdictSentence(const Run& run, const Findings& findings);

/// The same for machines (`heft rank --json`): settings, cost, top, components, groups, comparison, settled, notes. What is
/// undefined or infinite is null.
[[nodiscard]] nlohmann::ordered_json summaryJson(const Run& run, const Findings& findings);

}  // namespace heft
