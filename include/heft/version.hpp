#pragma once

#include <string_view>

namespace heft {

/// Heft's own version, as in "1.2.3".
[[nodiscard]] std::string_view version() noexcept;

}  // namespace heft
