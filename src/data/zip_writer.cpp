#include "data/zip_writer.hpp"

#include <zlib.h>

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

}  // namespace

void ZipWriter::add(const std::string& name, std::span<const std::byte> head, std::span<const std::byte> body) {
  if (name.empty() || name.size() > 0xffff) {
    throw Error(Fault::internal, "a zip member's name has " + std::to_string(name.size()) + " bytes");
  }
  constexpr std::uint16_t version = 45;            // zip64
  constexpr std::uint16_t utf8 = 1U << 11U;        // the name's encoding
  constexpr std::uint16_t firstOf1980 = 0x0021;    // no clock: equal content gives equal files
  constexpr std::uint32_t mode = 0100644U << 16U;  // -rw-r--r-- for Unix unpackers
  const std::uint64_t bytes = head.size() + body.size();

  // From "version needed" to "name length", alike in the local and the central header.
  std::string common;
  appendLittle<std::uint16_t>(common, version);
  appendLittle<std::uint16_t>(common, utf8);
  appendLittle<std::uint16_t>(common, stored);
  appendLittle<std::uint16_t>(common, 0);
  appendLittle<std::uint16_t>(common, firstOf1980);
  appendLittle<std::uint32_t>(common, checksum(checksum(0, head), body));
  appendLittle<std::uint32_t>(common, inZip64);
  appendLittle<std::uint32_t>(common, inZip64);
  appendLittle<std::uint16_t>(common, static_cast<std::uint16_t>(name.size()));

  std::string sizes;
  appendLittle<std::uint64_t>(sizes, bytes);
  appendLittle<std::uint64_t>(sizes, bytes);

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
  file_.write(head);
  file_.write(body);
  offset_ += local.size() + bytes;
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
