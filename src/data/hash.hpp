#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "heft/error.hpp"

struct evp_md_ctx_st;

namespace heft {

/// SHA-256 of bytes that come in pieces (OpenSSL's).
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// 64 lower-case hexadecimal digits; call once, last.
  [[nodiscard]] std::string hex();

 private:
  struct Release {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Release> context_;
};

[[nodiscard]] std::string sha256(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256Text(std::string_view text);

/// Throws Error(fault) where the file can't be read.
[[nodiscard]] std::string sha256File(const std::filesystem::path& path, Fault fault = Fault::input);

/// Of several files in order: one file's own hash, else the hash of their hashes' text.
[[nodiscard]] std::string sha256Files(std::span<const std::filesystem::path> paths, Fault fault = Fault::input);

}  // namespace heft
