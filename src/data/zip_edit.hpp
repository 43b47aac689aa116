#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/zip.hpp"

namespace heft {

/// A zip archive in memory whose members' bytes can be changed in place; every other byte stays as it was.
class ZipEdit {
 public:
  /// Throws Error(file's fault) as listZip does.
  explicit ZipEdit(const InputFile& file);

  [[nodiscard]] const std::vector<ZipMember>& members() const { return members_; }
  /// The member's content where it lies; empty where it is compressed or encrypted.
  [[nodiscard]] std::span<std::byte> content(std::size_t member);
  /// Makes the archive's checksums of a member those of its content now.
  void seal(std::size_t member);
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::uint64_t contentOffset(const ZipMember& member) const;

  std::vector<ZipMember> members_;
  std::vector<std::byte> bytes_;
};

}  // namespace heft
