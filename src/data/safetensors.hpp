#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"

// The safetensors format: https://github.com/huggingface/safetensors (8 bytes of header length, a JSON
// header, data).

namespace heft {

struct SafetensorsFile {
  /// In the order of the header.
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Unsigned integers wider than a byte come back as i64. Throws Error(file's fault) for anything the format
/// forbids (overlaps, gaps, duplicate names, sizes that don't fit) and, by name, for types that Heft has no
/// use for.
[[nodiscard]] SafetensorsFile readSafetensors(const InputFile& file);
[[nodiscard]] SafetensorsFile readSafetensors(const std::filesystem::path& path, Fault fault = Fault::input);

/// Writes the file whole or not at all, straight from the views. The header keeps the order given; the data
/// are laid out widest elements first so that every tensor is aligned without the gaps that the format
/// forbids. Throws Error(Fault::output) where writing fails, Error(Fault::internal) for a name given twice.
void writeSafetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace heft
