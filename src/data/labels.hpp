#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heft {

/// Reads a label for each sample: a text file with one a line, or whole numbers in a .npy, .npz, .pt or .safetensors file. Throws
/// Error(Fault::input).
[[nodiscard]] std::vector<std::string> readLabels(const std::filesystem::path& file);

}  // namespace heft
