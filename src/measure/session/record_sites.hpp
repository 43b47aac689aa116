#pragma once

#include "measure/session/session.hpp"

namespace heft {

/// A recording that is wanted for its sites: with a graph or, where the model runs only without, none.
[[nodiscard]] Session::Recording recordSites(Session& session);

}  // namespace heft
