#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heft {

/// Bytes that this process may still take: the least of what the machine has available, its own limit (ulimit -v), and its
/// control group's. Nothing where the system doesn't say.
std::optional<double> freeMemory();

/// The most bytes that this process has held at once; 0 where the system doesn't say.
double takenMemory();

/// "3.2 GiB", "140 MiB".
std::string bytesInWords(double bytes);

/// Whether a library's message is about memory that could not be had, on whatever device.
bool saysOutOfMemory(std::string_view text);

}  // namespace heft
