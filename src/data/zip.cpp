#include "data/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "data/little_endian.hpp"
#include "data/printable.hpp"
#include "data/tensor_file.hpp"
#include "data/zip_format.hpp"

namespace heft {

using namespace zip;

namespace {

constexpr std::uint64_t localBytes = 30;
constexpr std::uint64_t centralBytes = 46;
constexpr std::uint64_t endBytes = 22;
constexpr std::uint64_t locator64Bytes = 20;
/// Deflate can't pack better than 1032 to 1 (zlib's technical notes), so a larger claim is a lie.
constexpr std::uint64_t bestRatio = 1032;

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t members = 0;
};

[[noreturn]] void failDamaged(const InputFile& file, const std::string& what) {
  file.fail("damaged zip archive: " + what + "; copy or save it again");
}

Directory readDirectory64(const InputFile& file, std::uint64_t endOffset, std::uint64_t& directoryLimit) {
  if (endOffset < locator64Bytes) failDamaged(file, "the zip64 locator is missing");
  const auto locator = file.read(endOffset - locator64Bytes, locator64Bytes, "the zip64 locator");
  if (loadLittle<std::uint32_t>(locator) != locator64Signature) failDamaged(file, "the zip64 locator is missing");
  const auto end64Offset = loadLittle<std::uint64_t>(locator, 8);
  const auto end = file.read(end64Offset, end64Bytes, "the zip64 end record");
  if (loadLittle<std::uint32_t>(end) != end64Signature) failDamaged(file, "the zip64 end record is missing");
  directoryLimit = end64Offset;
  return {loadLittle<std::uint64_t>(end, 48), loadLittle<std::uint64_t>(end, 40), loadLittle<std::uint64_t>(end, 32)};
}

Directory findDirectory(const InputFile& file) {
  std::byte start[4]{};
  if (file.size() >= sizeof(start)) file.readInto(0, start, "the zip archive");
  const bool zip = loadLittle<std::uint16_t>(start) == (localSignature & 0xffff);
  if (!zip) file.fail("is no zip archive; it looks like " + looksLike(file));

  // The end record is followed by a comment of up to 65,535 bytes.
  const std::uint64_t tailBytes = std::min<std::uint64_t>(file.size(), endBytes + 0xffff);
  const std::uint64_t tailOffset = file.size() - tailBytes;
  const std::vector<std::byte> tail = file.read(tailOffset, tailBytes, "the zip end record");
  for (std::uint64_t i = tailBytes < endBytes ? 0 : tailBytes - endBytes + 1; i-- > 0;) {
    if (loadLittle<std::uint32_t>(tail, i) != endSignature) continue;
    const std::span<const std::byte> end = std::span(tail).subspan(i);
    if (loadLittle<std::uint16_t>(end, 20) != end.size() - endBytes) continue;
    Directory directory{loadLittle<std::uint32_t>(end, 16), loadLittle<std::uint32_t>(end, 12),
                        loadLittle<std::uint16_t>(end, 10)};
    std::uint64_t limit = tailOffset + i;
    if (directory.offset == inZip64 || directory.bytes == inZip64 || directory.members == 0xffff) {
      directory = readDirectory64(file, tailOffset + i, limit);
    }
    if (directory.bytes > limit || directory.offset > limit - directory.bytes) {
      failDamaged(file, "its directory lies outside the file");
    }
    return directory;
  }
  file.fail("cut short: the zip archive has no end record; copy or save it again");
}

/// Replaces the sizes and the offset that the 32-bit fields could not hold.
void applyZip64(const InputFile& file, std::span<const std::byte> extra, ZipMember& member) {
  while (extra.size() >= 4) {
    const auto id = loadLittle<std::uint16_t>(extra, 0);
    const std::size_t length = loadLittle<std::uint16_t>(extra, 2);
    if (length > extra.size() - 4) break;
    std::span<const std::byte> values = extra.subspan(4, length);
    extra = extra.subspan(4 + length);
    if (id != zip64Field) continue;
    for (std::uint64_t* field : {&member.bytes, &member.packedBytes, &member.headerOffset}) {
      if (*field != inZip64) continue;
      if (values.size() < 8) failDamaged(file, "member '" + printable(member.name) + "' has no zip64 size");
      *field = loadLittle<std::uint64_t>(values);
      values = values.subspan(8);
    }
    return;
  }
}

/// Reads the entry at `at` and moves `at` behind it.
ZipMember parseMember(const InputFile& file, std::span<const std::byte> directory, std::size_t& at) {
  const std::span<const std::byte> entry = directory.subspan(at);
  if (entry.size() < centralBytes || loadLittle<std::uint32_t>(entry) != centralSignature) {
    failDamaged(file, "its directory is not readable at entry byte " + std::to_string(at));
  }
  const std::size_t nameBytes = loadLittle<std::uint16_t>(entry, 28);
  const std::size_t extraBytes = loadLittle<std::uint16_t>(entry, 30);
  const std::size_t commentBytes = loadLittle<std::uint16_t>(entry, 32);
  if (nameBytes + extraBytes + commentBytes > entry.size() - centralBytes) {
    failDamaged(file, "its directory ends within an entry");
  }
  ZipMember member;
  member.name.assign(reinterpret_cast<const char*>(entry.data()) + centralBytes, nameBytes);
  member.encrypted = (loadLittle<std::uint16_t>(entry, 8) & 1U) != 0;
  member.method = loadLittle<std::uint16_t>(entry, 10);
  member.crc = loadLittle<std::uint32_t>(entry, 16);
  member.packedBytes = loadLittle<std::uint32_t>(entry, 20);
  member.bytes = loadLittle<std::uint32_t>(entry, 24);
  member.headerOffset = loadLittle<std::uint32_t>(entry, 42);
  applyZip64(file, entry.subspan(centralBytes + nameBytes, extraBytes), member);
  at += centralBytes + nameBytes + extraBytes + commentBytes;
  return member;
}

/// Members that share bytes are how small archives unpack to petabytes; honest writers never make them.
void checkExtents(const InputFile& file, const std::vector<ZipMember>& members, std::uint64_t directoryOffset) {
  std::vector<const ZipMember*> sorted;
  for (const ZipMember& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(),
            [](const ZipMember* a, const ZipMember* b) { return a->headerOffset < b->headerOffset; });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const ZipMember& member = *sorted[i];
    const std::uint64_t limit = i + 1 < sorted.size() ? sorted[i + 1]->headerOffset : directoryOffset;
    const std::uint64_t header = localBytes + member.name.size();
    if (member.headerOffset > limit || header > limit - member.headerOffset ||
        member.packedBytes > limit - member.headerOffset - header) {
      failDamaged(file, "member '" + printable(member.name) + "' runs into what follows it");
    }
  }
}

/// zlib's state, released however the reading ends.
class Inflater {
 public:
  Inflater() : ready_(inflateInit2(&stream_, -MAX_WBITS) == Z_OK) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  /// Unpacks raw deflate data; at most `limit` bytes come back, fewer where the data are damaged.
  std::vector<std::byte> unpack(std::span<std::byte> packed, std::uint64_t limit, const std::string& what) {
    constexpr std::uint64_t chunk = std::uint64_t{4} << 20U;
    std::vector<std::byte> out;
    std::uint64_t consumed = 0;
    std::uint64_t made = 0;
    int state = ready_ ? Z_OK : Z_MEM_ERROR;
    while (state == Z_OK && made <= limit) {
      if (made == out.size()) {
        const std::uint64_t grown = std::min(std::max(chunk, 2 * made), limit + 1);
        if (grown == made) break;
        std::vector<std::byte> larger = allocateBytes(grown, what);
        std::copy(out.begin(), out.end(), larger.begin());
        out = std::move(larger);
      }
      const std::uint64_t space = std::min(out.size() - made, chunk);
      const std::uint64_t input = std::min<std::uint64_t>(packed.size() - consumed, chunk);
      stream_.next_in = reinterpret_cast<Bytef*>(packed.data() + consumed);
      stream_.avail_in = static_cast<uInt>(input);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + made);
      stream_.avail_out = static_cast<uInt>(space);
      state = inflate(&stream_, Z_NO_FLUSH);
      consumed += input - stream_.avail_in;
      made += space - stream_.avail_out;
    }
    out.resize(made);
    complete_ = state == Z_STREAM_END;
    return out;
  }
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  z_stream stream_{};
  bool ready_;
  bool complete_ = false;
};

}  // namespace

std::vector<ZipMember> listZip(const InputFile& file) {
  const Directory directory = findDirectory(file);
  const std::vector<std::byte> bytes = file.read(directory.offset, directory.bytes, "the zip directory");
  std::vector<ZipMember> members;
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); ++count) {
    const std::uint64_t entry = directory.offset + at;
    members.push_back(parseMember(file, bytes, at));
    members.back().entryOffset = entry;
  }
  if (count != directory.members) {
    failDamaged(file, "its directory has " + std::to_string(count) + " entries, its end record promises " +
                          std::to_string(directory.members));
  }
  checkExtents(file, members, directory.offset);
  std::erase_if(members, [](const ZipMember& member) { return member.name.ends_with('/'); });
  return members;
}

std::vector<std::byte> readZipMember(const InputFile& file, const ZipMember& member) {
  const std::string what = "zip member '" + printable(member.name) + "'";
  if (member.encrypted) file.fail(what + " is encrypted; save it without a password");
  if (member.method != stored && member.method != deflated) {
    file.fail(what + " is compressed by method " + std::to_string(member.method) +
              "; expected stored or deflate, as NumPy saves");
  }
  const auto header = file.read(member.headerOffset, localBytes, what);
  if (loadLittle<std::uint32_t>(header) != localSignature) failDamaged(file, what + " has no header");
  const std::uint64_t dataOffset =
      member.headerOffset + localBytes + loadLittle<std::uint16_t>(header, 26) + loadLittle<std::uint16_t>(header, 28);
  const bool claimFits =
      member.method == stored ? member.bytes == member.packedBytes : member.bytes / bestRatio <= member.packedBytes;
  if (!claimFits) {
    failDamaged(file, what + " claims " + std::to_string(member.bytes) + " bytes from " +
                          std::to_string(member.packedBytes) + " packed ones");
  }

  std::vector<std::byte> content = file.read(dataOffset, member.packedBytes, what);
  if (member.method == deflated) {
    Inflater inflater;
    content = inflater.unpack(content, member.bytes, file.name() + ": " + what);
    if (!inflater.complete() || content.size() != member.bytes) {
      failDamaged(file, what + " does not unpack to its " + std::to_string(member.bytes) + " bytes");
    }
  }
  // zlib takes a null pointer, as of an empty vector, for "start anew", which for no bytes is the same: 0.
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (crc != member.crc) failDamaged(file, what + " does not match its checksum");
  return content;
}

}  // namespace heft
