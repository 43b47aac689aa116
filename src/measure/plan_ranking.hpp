#pragma once

#include "measure/plan.hpp"
#include "measure/response.hpp"
#include "measure/session.hpp"

namespace heft {

/// Measures for about `seconds` what the ranking would do; longer where a few variants or adjoints take longer than that.
/// `start`: what it took until the session was there, from the start of the process. Throws Error as rankWeights(); what `progress` throws.
Plan planRanking(Session& session, const RankSettings& settings, double start, double seconds,
                 const StageProgress& progress);

}  // namespace heft
