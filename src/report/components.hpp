#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/answer.hpp"
#include "report/page_data.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// The numbers behind the verdict of a run of components alone: the foremost of each kind, and whether norms tell.
[[nodiscard]] std::vector<KeyNumber> componentNumbers(const Run& run);

/// "What does each layer, gate and neuron do?", where single weights were not measured.
[[nodiscard]] Answer componentsAnswer(const Run& run);

/// Components x groups of the outputs: "by", "groups", and "kinds" with "rows" (at most 60, the foremost), "impact", "error" and
/// "foremost" of each group; null for a run without groups.
[[nodiscard]] nlohmann::ordered_json servedJson(const Run& run);

/// "agreement" of comparison.json as the page reads it; null where there is none, or it is not of the form expected.
[[nodiscard]] nlohmann::ordered_json agreementJson(const nlohmann::json& comparison);

/// "component_criteria", likewise: a list of {"label", "kinds": [{"level", "path", "spearman"}]}; empty where there is none.
[[nodiscard]] nlohmann::ordered_json componentCriteriaJson(const nlohmann::json& comparison);

}  // namespace heft
