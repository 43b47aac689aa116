#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data/leftovers.hpp"

namespace heft {

/// A file that appears whole under its name or not at all: written under a temporary name in the same folder,
/// flushed to the disk, then renamed. Until commit() an older file of that name stays as it was; without
/// commit() nothing is left. Failures are Error(Fault::output), one line with the path, the system's reason
/// and what to do.
class AtomicFile {
 public:
  /// Temporary files have this prefix.
  static constexpr std::string_view temporaryPrefix = ".heft-partial-";

  /// Deletes the temporary files in a folder that killed programs left; those that a living one is writing stay.
  static void deleteLeftovers(const std::filesystem::path& folder) noexcept;

  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Small pieces are gathered in memory, so an error may surface in a later call.
  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);

  /// Makes the file appear; nothing may be written afterwards.
  void commit();

  [[nodiscard]] const std::filesystem::path& target() const { return target_; }

 private:
  void createTemporary();
  void flush();
  void writeThrough(std::string_view text);
  void discard() noexcept;
  [[noreturn]] void fail(std::string_view doing, int code);

  std::filesystem::path target_;
  std::filesystem::path folder_;
  std::filesystem::path temporary_;
  std::optional<Leftover> leftover_;  ///< while there is a temporary file
  std::string pending_;
  int descriptor_ = -1;
};

/// Puts the names in a folder on the disk: without this a new one may be lost in a power cut. Some file systems can't; what
/// the names lead to is whole even then.
void syncFolder(const std::filesystem::path& folder) noexcept;

/// Throws what writing a file of that name would, and leaves nothing: for commands that work long before they write.
void requireWritable(const std::filesystem::path& path);

/// Writes `content` to `path`, whole or not at all.
void writeFile(const std::filesystem::path& path, std::string_view content);

}  // namespace heft
