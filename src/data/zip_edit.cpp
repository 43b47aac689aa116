#include "data/zip_edit.hpp"

#include <zlib.h>

#include "data/little_endian.hpp"
#include "data/zip_format.hpp"

namespace heft {

using namespace zip;

namespace {

// Places of fields, from the beginning of a local header and of an entry in the central directory.
constexpr std::uint64_t localFlags = 6, localChecksum = 14, localNameBytes = 26, localExtraBytes = 28, localBytes = 30;
constexpr std::uint64_t entryChecksum = 16;
constexpr std::uint16_t descriptorFollows = 1U << 3U;

}  // namespace

ZipEdit::ZipEdit(const InputFile& file)
    : members_(listZip(file)), bytes_(file.read(0, file.size(), "the zip archive")) {}

std::uint64_t ZipEdit::contentOffset(const ZipMember& member) const {
  return member.headerOffset + localBytes +
         loadLittle<std::uint16_t>(bytes_, static_cast<std::size_t>(member.headerOffset + localNameBytes)) +
         loadLittle<std::uint16_t>(bytes_, static_cast<std::size_t>(member.headerOffset + localExtraBytes));
}

std::span<std::byte> ZipEdit::content(std::size_t member) {
  const ZipMember& one = members_.at(member);
  if (one.method != stored || one.encrypted || one.bytes != one.packedBytes) return {};
  const std::uint64_t offset = contentOffset(one);
  if (offset > bytes_.size() || one.bytes > bytes_.size() - offset) return {};
  return std::span(bytes_).subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(one.bytes));
}

void ZipEdit::seal(std::size_t member) {
  ZipMember& one = members_.at(member);
  const auto own = content(member);
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(own.data()), own.size()));
  const auto put = [&](std::uint64_t offset) {
    std::memcpy(bytes_.data() + static_cast<std::size_t>(offset), &crc, sizeof(crc));
  };
  put(one.entryOffset + entryChecksum);
  const auto flags = loadLittle<std::uint16_t>(bytes_, static_cast<std::size_t>(one.headerOffset + localFlags));
  if ((flags & descriptorFollows) == 0) {
    put(one.headerOffset + localChecksum);
  } else {
    // The header says nothing and a descriptor follows the content, with or without a signature of its own.
    std::uint64_t descriptor = contentOffset(one) + one.bytes;
    if (loadLittle<std::uint32_t>(bytes_, static_cast<std::size_t>(descriptor)) == descriptorSignature) descriptor += 4;
    if (loadLittle<std::uint32_t>(bytes_, static_cast<std::size_t>(descriptor)) == one.crc) put(descriptor);
  }
  one.crc = crc;
}

}  // namespace heft
