#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

namespace heft {

// Every format read here is little endian in memory, so loads and stores are plain copies.
static_assert(std::endian::native == std::endian::little, "Heft's file readers assume a little-endian machine");

/// The value at `offset`; the caller has checked that `offset + sizeof(T)` bytes are there.
template <typename T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] T loadLittle(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
requires std::is_trivially_copyable_v<T>
void appendLittle(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

}  // namespace heft
