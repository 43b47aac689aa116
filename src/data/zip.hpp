#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/input_file.hpp"

// Zip as .npz (and .pt) files use it: PKWARE's APPNOTE 6.3, with zip64, one disk, members stored or deflated
// (zlib).

namespace heft {

struct ZipMember {
  std::string name;
  std::uint64_t headerOffset = 0;
  std::uint64_t entryOffset = 0;  ///< of its entry in the central directory
  std::uint64_t packedBytes = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;
  bool encrypted = false;
};

/// The members in the order of the central directory, directories left out. Throws Error(file's fault) where
/// the file is no zip, is damaged, or members share bytes (as in zip bombs).
[[nodiscard]] std::vector<ZipMember> listZip(const InputFile& file);

/// A member's content, its checksum checked. Memory grows with what is really there, not with what the header
/// claims.
[[nodiscard]] std::vector<std::byte> readZipMember(const InputFile& file, const ZipMember& member);

}  // namespace heft
