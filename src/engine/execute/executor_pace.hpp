#pragma once

#include <cstdint>

namespace heft {

/// What executors that run many variants at once can tell of how they do it.
class ExecutorPace {
 public:
  virtual ~ExecutorPace() = default;
  /// Whether single weights of a parameter are executed one after the other, as far as is known: after Executor::prepare(), it is.
  [[nodiscard]] virtual bool runsAlone(std::int64_t parameter) const = 0;
};

}  // namespace heft
