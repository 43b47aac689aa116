#pragma once

#include <cstdint>

// Constants of the zip format (PKWARE's APPNOTE 6.3) that the reader and the writer share.

namespace heft::zip {

constexpr std::uint32_t localSignature = 0x04034b50;
constexpr std::uint32_t centralSignature = 0x02014b50;
constexpr std::uint32_t descriptorSignature = 0x08074b50;
constexpr std::uint32_t endSignature = 0x06054b50;
constexpr std::uint32_t end64Signature = 0x06064b50;
constexpr std::uint32_t locator64Signature = 0x07064b50;
constexpr std::uint64_t end64Bytes = 56;
constexpr std::uint16_t zip64Field = 0x0001;
/// Stands in a 32-bit field whose value is in the zip64 field.
constexpr std::uint32_t inZip64 = 0xffffffff;
constexpr std::uint16_t stored = 0;
constexpr std::uint16_t deflated = 8;

}  // namespace heft::zip
