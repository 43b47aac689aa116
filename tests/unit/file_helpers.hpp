#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/input_file.hpp"
#include "heft/error.hpp"

// What the tests of file readers and writers share.

namespace heft::test {

/// An empty folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "heft-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
    return names;
  }

 private:
  std::filesystem::path path_;
};

/// Gives up root's rights to read and write everything while it lives, so that permissions can be tested as
/// root too.
class OrdinaryUser {
 public:
  OrdinaryUser() : changed_(::geteuid() == 0) {
    constexpr uid_t nobody = 65534;
    if (changed_ && ::seteuid(nobody) != 0) throw std::runtime_error("can't become an ordinary user");
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;
  ~OrdinaryUser() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool changed_;
};

inline std::filesystem::path fixture(std::string_view name) {
  return std::filesystem::path(HEFT_TEST_DATA) / "files" / name;
}

inline std::string contentOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void putContent(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::vector<std::byte> bytesOf(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline InputFile inMemory(std::string_view content) { return InputFile::ofBytes("memory", bytesOf(content)); }

/// The text of the Error that `action` throws, which must be one line of the given fault.
template <typename Action>
std::string errorOf(Action action, Fault fault = Fault::input) {
  try {
    action();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(static_cast<int>(error.fault()), static_cast<int>(fault)) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

/// Reads every prefix of a valid file, which must be refused, and every single-bit change of it, which must
/// be refused or give a result. Returns how many changes were refused.
template <typename Read>
std::size_t refusedChanges(const std::string& valid, Read read) {
  for (std::size_t length = 0; length < valid.size(); ++length) {
    EXPECT_THROW(read(inMemory(valid.substr(0, length))), Error) << "cut to " << length << " bytes";
  }
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * valid.size(); ++bit) {
    std::string changed = valid;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    try {
      read(inMemory(changed));
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.fault()), static_cast<int>(Fault::input)) << error.what();
      ++refused;
    }
  }
  return refused;
}

}  // namespace heft::test
