#include "data/zip_writer.hpp"

#include <zlib.h>

#include <utility>

#include "data/little_endian.hpp"
#include "data/zip_format.hpp"
#include "heft/error.hpp"

namespace heft {

using namespace zip;

namespace {

std::uint32_t checksum(std::uint32_t start, std::span<const std::byte> bytes) {
  // zlib would take the null pointer of an empty span for "start anew" and forget what came before.
  if (bytes.empty()) return start;
  return static_cast<std::uint32_t>(crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// zlib's state, released however the writing ends.
class Deflater {
 public:
  Deflater() {
    // Raw deflate, as zip wants it. The fastest level: text that repeats itself all but vanishes at any.
    if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error(Fault::memory, "no memory to compress with");
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream_); }

  void take(std::span<const std::byte> piece) {
    constexpr std::size_t most = std::size_t{1} << 30U;  // zlib counts in 32 bits
    for (; piece.size() > most; piece = piece.subspan(most)) run(piece.first(most), Z_NO_FLUSH);
    run(piece, Z_NO_FLUSH);
  }
  std::string finish() {
    run({}, Z_FINISH);
    return std::move(packed_);
  }

 private:
  void run(std::span<const std::byte> piece, int flush) {
    char room[1 << 14];
    // zlib's interface predates const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room);
      stream_.avail_out = sizeof(room);
      deflate(&stream_, flush);
      packed_.append(room, sizeof(room) - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  std::string packed_;
};

}  // namespace

void ZipWriter::add(const std::string& name, std::span<const std::byte> head, std::span<const std::byte> body) {
  const std::uint64_t bytes = head.size() + body.size();
  begin(name, {stored, checksum(checksum(0, head), body), bytes, bytes});
  file_.write(head);
  file_.write(body);
}

void ZipWriter::addPacked(const std::string& name, const std::function<void(const TakeBytes& take)>& produce) {
  Content content{deflated, 0, 0, 0};
  Deflater deflater;
  produce([&](std::span<const std::byte> piece) {
    content.crc = checksum(content.crc, piece);
    content.bytes += piece.size();
    deflater.take(piece);
  });
  const std::string packed = deflater.finish();
  content.packed = packed.size();
  begin(name, content);
  file_.write(packed);
}

void ZipWriter::begin(const std::string& name, const Content& content) {
  if (name.empty() || name.size() > 0xffff) {
    throw Error(Fault::internal, "a zip member's name has " + std::to_string(name.size()) + " bytes");
  }
  constexpr std::uint16_t version = 45;            // zip64
  constexpr std::uint16_t utf8 = 1U << 11U;        // the name's encoding
  constexpr std::uint16_t firstOf1980 = 0x0021;    // no clock: equal content gives equal files
  constexpr std::uint32_t mode = 0100644U << 16U;  // -rw-r--r-- for Unix unpackers

  // From "version needed" to "name length", alike in the local and the central header.
  std::string common;
  appendLittle<std::uint16_t>(common, version);
  appendLittle<std::uint16_t>(common, utf8);
  appendLittle<std::uint16_t>(common, content.method);
  appendLittle<std::uint16_t>(common, 0);
  appendLittle<std::uint16_t>(common, firstOf1980);
  appendLittle<std::uint32_t>(common, content.crc);
  appendLittle<std::uint32_t>(common, inZip64);
  appendLittle<std::uint32_t>(common, inZip64);
  appendLittle<std::uint16_t>(common, static_cast<std::uint16_t>(name.size()));

  std::string sizes;
  appendLittle<std::uint64_t>(sizes, content.bytes);
  appendLittle<std::uint64_t>(sizes, content.packed);

  std::string local;
  appendLittle<std::uint32_t>(local, localSignature);
  local += common;
  appendLittle<std::uint16_t>(local, 20);
  local += name;
  appendLittle<std::uint16_t>(local, zip64Field);
  appendLittle<std::uint16_t>(local, 16);
  local += sizes;

  appendLittle<std::uint32_t>(directory_, centralSignature);
  appendLittle<std::uint16_t>(directory_, static_cast<std::uint16_t>((3U << 8U) | version));  // made on Unix
  directory_ += common;
  appendLittle<std::uint16_t>(directory_, 28);
  appendLittle<std::uint16_t>(directory_, 0);  // comment
  appendLittle<std::uint16_t>(directory_, 0);  // disk
  appendLittle<std::uint16_t>(directory_, 0);  // internal attributes
  appendLittle<std::uint32_t>(directory_, mode);
  appendLittle<std::uint32_t>(directory_, inZip64);
  directory_ += name;
  appendLittle<std::uint16_t>(directory_, zip64Field);
  appendLittle<std::uint16_t>(directory_, 24);
  directory_ += sizes;
  appendLittle<std::uint64_t>(directory_, offset_);

  file_.write(local);
  offset_ += local.size() + content.packed;
  ++members_;
}

void ZipWriter::commit() {
  std::string end;
  appendLittle<std::uint32_t>(end, end64Signature);
  appendLittle<std::uint64_t>(end, end64Bytes - 12);
  appendLittle<std::uint16_t>(end, 45);
  appendLittle<std::uint16_t>(end, 45);
  appendLittle<std::uint32_t>(end, 0);
  appendLittle<std::uint32_t>(end, 0);
  appendLittle<std::uint64_t>(end, members_);
  appendLittle<std::uint64_t>(end, members_);
  appendLittle<std::uint64_t>(end, directory_.size());
  appendLittle<std::uint64_t>(end, offset_);

  appendLittle<std::uint32_t>(end, locator64Signature);
  appendLittle<std::uint32_t>(end, 0);
  appendLittle<std::uint64_t>(end, offset_ + directory_.size());
  appendLittle<std::uint32_t>(end, 1);

  appendLittle<std::uint32_t>(end, endSignature);
  appendLittle<std::uint16_t>(end, 0);
  appendLittle<std::uint16_t>(end, 0);
  appendLittle<std::uint16_t>(end, 0xffff);
  appendLittle<std::uint16_t>(end, 0xffff);
  appendLittle<std::uint32_t>(end, inZip64);
  appendLittle<std::uint32_t>(end, inZip64);
  appendLittle<std::uint16_t>(end, 0);

  file_.write(directory_);
  file_.write(end);
  file_.commit();
}

}  // namespace heft
