#pragma once

#include <nlohmann/json.hpp>

#include "report/answer.hpp"
#include "report/groups.hpp"

namespace heft {

/// What negative and positive weights do, from the weights' own impacts.
[[nodiscard]] Answer signsAnswer(const Run& run, const Groups& groups);

/// The section with its groups at every level and the units of every layer.
[[nodiscard]] nlohmann::ordered_json signsJson(const Run& run, const Groups& groups);

}  // namespace heft
