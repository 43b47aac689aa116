#pragma once

#include "measure/session/session.hpp"

namespace heft {

/// What one run of forward takes, counted and not timed, so that whatever is decided by it is decided alike on every machine.
struct ForwardCost {
  double flop = 0;      ///< of products: a multiplication and an addition count as two
  double elements = 0;  ///< that operators write
  double calls = 0;     ///< of operators

  /// Floating-point operations that take about as long, where `together` runs share each call of an operator. Two ordinary cores
  /// do some 1e10 of them a second.
  [[nodiscard]] double operations(double together = 1) const;
};

/// Counts in one run of the unchanged model.
[[nodiscard]] ForwardCost forwardCost(Session& session);

}  // namespace heft
