#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

class Session;

/// The weights of a matrix that lie about as far from its middle as one another.
struct OutlierGroup {
  double from = 0, to = 0;  ///< of the robust z-score; `to` is infinite in the last
  std::int64_t weights = 0;
  double share = 0;        ///< of the matrix's weights
  double mean_impact = 0;  ///< of its weights' own, from the run; 0 without weights
  double joint = 0;        ///< executed, by the run's first metric: all of them set to zero
};

struct OutlierGroups {
  std::string parameter;
  std::vector<OutlierGroup> groups;  ///< one a bin of outlierBinEdges
};

/// For every parameter of at least 100 weights that is part of the run. `progress` may throw to stop.
std::vector<OutlierGroups> outlierGroups(Session& session, const Run& run,
                                         const std::function<void(double share)>& progress);

}  // namespace heft
