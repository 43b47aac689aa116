#pragma once

#include <filesystem>

namespace heft {

/// Keeps other processes from writing into a folder while it lives, by flock on FOLDER/.lock; the system lets
/// go of it when the process dies, however that happens. Several readers share a folder. Where the file system
/// has no locks, it holds nothing.
class FolderLock {
 public:
  static constexpr const char* fileName = ".lock";

  enum class Use { write, read };

  /// Throws Error(Fault::output) where another process holds the folder, or it can't be written to. A reader doesn't need to
  /// write: in a folder where it may not, it holds nothing.
  explicit FolderLock(const std::filesystem::path& folder, Use use = Use::write);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace heft
