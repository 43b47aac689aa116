#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heft/error.hpp"

namespace heft {

/// A regular file open for reading at any offset, or bytes in memory under the same interface. Every failure
/// is an Error of the fault given at opening, in one line that starts with the file's name.
class InputFile {
 public:
  /// Throws where there is no such file, it is a directory or device, or it may not be read.
  static InputFile open(const std::filesystem::path& path, Fault fault = Fault::input);
  static InputFile ofBytes(std::string name, std::vector<std::byte> bytes, Fault fault = Fault::input);

  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Fault fault() const { return fault_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Fills `into` from `offset`; throws "empty" or "cut short", naming `what`, where the file ends earlier.
  void readInto(std::uint64_t offset, std::span<std::byte> into, std::string_view what) const;

  /// As readInto, into new memory that is allocated only once the file is known to be long enough.
  [[nodiscard]] std::vector<std::byte> read(std::uint64_t offset, std::uint64_t count, std::string_view what) const;

  /// Throws Error(fault(), "NAME: TEXT").
  [[noreturn]] void fail(const std::string& text) const;

 private:
  InputFile(std::string name, Fault fault) : name_(std::move(name)), fault_(fault) {}
  void requireBytes(std::uint64_t offset, std::uint64_t count, std::string_view what) const;

  std::string name_;
  Fault fault_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::vector<std::byte> memory_;
};

/// What the first bytes say the file is ("a zip archive", "a pickle", "plain text", …), to hint at a mix-up.
[[nodiscard]] std::string looksLike(const InputFile& file);

}  // namespace heft
