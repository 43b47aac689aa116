#pragma once

#include "measure/plan.hpp"
#include "measure/response.hpp"
#include "measure/session.hpp"

namespace heft {

/// Measures for about `seconds` what the ranking would do; longer where a few variants or adjoints take longer than that.
/// `start`: what making the session took. Throws Error as rankWeights(); what `progress` throws.
Plan planRanking(Session& session, const RankSettings& settings, double start, double seconds,
                 const StageProgress& progress);

}  // namespace heft
