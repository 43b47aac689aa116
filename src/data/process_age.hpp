#pragma once

namespace heft {

/// Seconds since this process was started, loading its libraries included; 0 where the system doesn't say.
[[nodiscard]] double processAge();

}  // namespace heft
