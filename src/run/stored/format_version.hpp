#pragma once

#include <cstdint>
#include <string_view>

namespace heft {

/// Names the kind of file in run.json.
inline constexpr std::string_view runFormat = "heft-run";
/// Raised whenever an older Heft would misread a newer run folder.
inline constexpr std::int64_t runFormatVersion = 1;

}  // namespace heft
