#include "data/hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "data/input_file.hpp"
#include "data/stop.hpp"

namespace heft {
namespace {

void require(int done) {
  if (done != 1) throw Error(Fault::internal, "OpenSSL could not compute a SHA-256");
}

}  // namespace

void Sha256::Release::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr ? 1 : 0);
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char value : digest) {
    text += digits[value >> 4U];
    text += digits[value & 0xfU];
  }
  return text;
}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256Text(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::string sha256File(const std::filesystem::path& path, Fault fault) {
  constexpr std::uint64_t chunk = std::uint64_t{1} << 20U;
  const InputFile file = InputFile::open(path, fault);
  Sha256 hash;
  std::vector<std::byte> buffer(std::min(chunk, file.size()));
  for (std::uint64_t offset = 0; offset < file.size(); offset += chunk) {
    stopIfAsked();
    const std::span<std::byte> part = std::span(buffer).first(std::min(chunk, file.size() - offset));
    file.readInto(offset, part, "the file");
    hash.update(part);
  }
  return hash.hex();
}

std::string sha256Files(std::span<const std::filesystem::path> paths, Fault fault) {
  std::string hashes;
  for (const std::filesystem::path& path : paths) hashes += sha256File(path, fault);
  return paths.size() == 1 ? hashes : sha256Text(hashes);
}

}  // namespace heft
