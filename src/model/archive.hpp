#pragma once

#include <filesystem>
#include <string>

namespace heft {

/// Tells from the bytes whether `path` is a TorchScript archive. Throws Error(Fault::model) saying what it is instead
/// (a folder, text, a truncated archive, a pickle of a Python module, …) and what to do about it.
void checkArchive(const std::filesystem::path& path);

/// The first line of a library's message, without its source locations.
std::string firstLine(const std::string& text);

}  // namespace heft
