#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/little_endian.hpp"
#include "data/zip_format.hpp"

namespace heft::test {

/// A zip archive of stored members, in memory: of contents that change too often for a file.
inline std::string storedZip(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string bytes, directory;
  const auto facts = [](std::string& out, const std::string& name, const std::string& content) {
    const auto size = static_cast<std::uint32_t>(content.size());
    appendLittle<std::uint16_t>(out, 20);
    appendLittle<std::uint16_t>(out, 0);
    appendLittle<std::uint16_t>(out, zip::stored);
    appendLittle<std::uint32_t>(out, 0);
    appendLittle(out, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()), size)));
    appendLittle(out, size);
    appendLittle(out, size);
    appendLittle(out, static_cast<std::uint16_t>(name.size()));
    appendLittle<std::uint16_t>(out, 0);
  };
  for (const auto& [name, content] : members) {
    const auto offset = static_cast<std::uint32_t>(bytes.size());
    appendLittle(bytes, zip::localSignature);
    facts(bytes, name, content);
    bytes += name + content;
    appendLittle(directory, zip::centralSignature);
    appendLittle<std::uint16_t>(directory, 20);
    facts(directory, name, content);
    appendLittle<std::uint16_t>(directory, 0);
    appendLittle<std::uint32_t>(directory, 0);
    appendLittle<std::uint32_t>(directory, 0);
    appendLittle(directory, offset);
    directory += name;
  }
  const auto start = static_cast<std::uint32_t>(bytes.size());
  bytes += directory;
  appendLittle(bytes, zip::endSignature);
  appendLittle<std::uint32_t>(bytes, 0);
  appendLittle(bytes, static_cast<std::uint16_t>(members.size()));
  appendLittle(bytes, static_cast<std::uint16_t>(members.size()));
  appendLittle(bytes, static_cast<std::uint32_t>(directory.size()));
  appendLittle(bytes, start);
  appendLittle<std::uint16_t>(bytes, 0);
  return bytes;
}

}  // namespace heft::test
