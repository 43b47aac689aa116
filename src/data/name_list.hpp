#pragma once

#include <string>
#include <vector>

namespace heft {

/// Reads a text file with a name a line, empty lines left out; an empty path is an empty list. Throws Error(Fault::input) where
/// the file can't be read, is empty, or is no text.
std::vector<std::string> readNames(const std::string& file);

}  // namespace heft
