#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "data/atomic_file.hpp"

namespace heft {

/// Writes members uncompressed, so that NumPy can map them, whole file or none. Always zip64: no limit on
/// sizes.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : file_(path) {}
  /// Adds one member; its content is `head` and then `body`.
  void add(const std::string& name, std::span<const std::byte> head, std::span<const std::byte> body);
  void commit();

 private:
  AtomicFile file_;
  std::string directory_;
  std::uint64_t members_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace heft
