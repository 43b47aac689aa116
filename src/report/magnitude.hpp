#pragma once

#include <nlohmann/json.hpp>

#include "report/answer.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Whether a weight far from zero is important, by the judgement that `heft rank` prints.
[[nodiscard]] Answer magnitudeAnswer(const Run& run, const Findings& findings);

/// The section: a histogram of |weight| against impact over all and for each matrix, the lists, rank statistics.
[[nodiscard]] nlohmann::ordered_json magnitudeJson(const Run& run, const Findings& findings);

}  // namespace heft
