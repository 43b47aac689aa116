#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "report/answer.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// A weight of one of the two lists where magnitude and impact disagree.
struct ListedWeight {
  std::size_t parameter = 0;  ///< index into Structure::parameters
  std::int64_t index = 0;     ///< row-major
  float weight = 0, impact = 0;
  std::size_t magnitude_rank = 0, impact_rank = 0;  ///< 1: the largest of the run
  bool executed = false;
};

struct DisagreementLists {
  std::vector<ListedWeight> large_but_inert, small_but_critical;
};

/// At most `count` weights a list; see disagreementOf.
[[nodiscard]] DisagreementLists disagreementLists(const Run& run, std::size_t count);

/// Whether a weight far from zero is important, by the judgement that `heft rank` prints.
[[nodiscard]] Answer magnitudeAnswer(const Run& run, const Findings& findings);

/// The section: a histogram of |weight| against impact over all and for each matrix, the lists, rank statistics.
[[nodiscard]] nlohmann::ordered_json magnitudeJson(const Run& run, const Findings& findings);

}  // namespace heft
