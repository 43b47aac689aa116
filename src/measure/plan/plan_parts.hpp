#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/estimate/response.hpp"
#include "measure/rank/measurer.hpp"
#include "measure/weights/selection.hpp"

namespace heft {

/// What executing takes, by parameter: of n variants at once `fixed` + n `each` seconds.
struct ExecutingTimes {
  struct Line {
    double fixed = 0;
    double each = 0;
    [[nodiscard]] double of(double variants) const { return variants > 0 ? fixed + variants * each : 0; }
  };
  double prepare = 0;
  std::vector<Line> by_parameter;
};

/// Executes some of each parameter's selected weights, more of those that will cost most, until `seconds` are over.
ExecutingTimes timeExecuting(Measurer& measurer, const SelectedWeights& selected, double seconds,
                             const StageProgress& progress);

/// What estimating all selected weights takes.
struct EstimateTimes {
  std::size_t adjoints = 0;
  double adjoint_seconds = 0;
  double response_seconds = 0;
  double bytes = 0;  ///< that a whole run holds beyond what this one did
  /// By parameter: 1 where nothing but zeros came out.
  std::vector<std::uint8_t> silent;
};

/// Estimates some rows of each parameter along the adjoints; of many adjoints, as many as `seconds` allow, about. Where nothing can
/// be estimated, every parameter is silent.
EstimateTimes timeEstimates(Session& session, const NewValue& new_value, const ResponseOptions& options, double seconds,
                            const StageProgress& progress);

}  // namespace heft
