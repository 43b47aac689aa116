#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heft {

/// What a file is that is no TorchScript, and how one comes to TorchScript from there, in one line: "is an ONNX model, …; in
/// Python: …". `head` is how it begins, 512 bytes or all of it.
std::string kindOfFile(const std::filesystem::path& path, const std::string& head);

/// The same of a zip archive, by the names of its members without their common folder; empty where it may be TorchScript. `pickle` is
/// how its data.pkl begins, if it has one.
std::string kindOfArchive(const std::vector<std::string>& members, const std::string& pickle);

/// The same of a folder.
std::string kindOfFolder(const std::filesystem::path& path);

}  // namespace heft
