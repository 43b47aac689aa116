#pragma once

#include <chrono>

namespace heft {

/// Seconds that have passed, whatever becomes of the machine's date.
[[nodiscard]] inline double secondsSince(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace heft
