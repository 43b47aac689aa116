#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/tensor_file.hpp"

namespace heft {

/// One file of a checkpoint: tensors, the identity of the run they belong to and a SHA-256 over both.
void writeCheckpointPart(const std::filesystem::path& file, std::span<const TensorView> tensors,
                         const std::string& identity);

/// Throws Error(Fault::output) where the file is damaged in any bit that counts, or belongs to another run.
[[nodiscard]] std::vector<StoredTensor> readCheckpointPart(const std::filesystem::path& file,
                                                           const std::string& identity);

}  // namespace heft
