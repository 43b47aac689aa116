#pragma once

#include "measure/estimate/response.hpp"
#include "measure/plan/plan.hpp"
#include "measure/plan/plan_scale.hpp"
#include "measure/session/session.hpp"

namespace heft {

/// Measures for about `seconds` what the ranking would do; longer where a few variants or adjoints take longer than that. `session`
/// has the part of the inputs that `scale` says, and what it takes is scaled to all of them. Plan::start is the caller's to tell.
/// Throws Error as rankWeights(); what `progress` throws.
Plan planRanking(Session& session, const RankSettings& settings, double seconds, const PlanScale& scale,
                 const StageProgress& progress);

}  // namespace heft
