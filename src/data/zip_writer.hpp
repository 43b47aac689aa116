#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "data/atomic_file.hpp"

namespace heft {

/// Takes a piece of a member's content.
using TakeBytes = std::function<void(std::span<const std::byte> piece)>;

/// Writes members, uncompressed unless asked otherwise so that NumPy can map them, whole file or none. Always zip64: no
/// limit on sizes.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path) : file_(path) {}
  /// Adds one member; its content is `head` and then `body`.
  void add(const std::string& name, std::span<const std::byte> head, std::span<const std::byte> body);
  /// Adds one member deflated, for content that repeats itself: `produce` hands it out piece by piece, so only what is left
  /// of it after packing is held in memory.
  void addPacked(const std::string& name, const std::function<void(const TakeBytes& take)>& produce);
  void commit();

 private:
  struct Content {
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed = 0, bytes = 0;
  };
  /// Writes the local header and notes the entry in the directory; the packed content must follow.
  void begin(const std::string& name, const Content& content);

  AtomicFile file_;
  std::string directory_;
  std::uint64_t members_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace heft
