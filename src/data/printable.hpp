#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace heft {

/// Text of somebody else's, fit for one line: control characters as \xHH, cut after `longest` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 80);
/// The same for a path, in full: its end says most.
[[nodiscard]] std::string printablePath(const std::filesystem::path& path);

}  // namespace heft
