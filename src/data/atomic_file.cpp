#include "data/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "data/printable.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr std::size_t pendingLimit = std::size_t{1} << 20U;

std::string_view advice(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another folder";
    case EFBIG:
      return "the file is larger than the file system or ulimit -f allows; choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "make its folder first or choose another";
    case ENAMETOOLONG:
      return "choose a shorter name";
    default:
      return "check the disk or choose another folder";
  }
}

/// " (12 KiB free there)" for a full disk, whose owner wants to know how much is asked for.
std::string freeSpace(const std::filesystem::path& folder) {
  struct statvfs facts {};
  if (::statvfs(folder.c_str(), &facts) != 0) return "";
  return " (" + std::to_string(static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize / 1024) + " KiB free there)";
}

/// The lock tells the living from the leftovers, see deleteLeftovers. False where somebody has deleted the file before it was
/// locked. Where the file system has no locks, nothing is held.
bool lockOwn(int descriptor) {
  ::flock(descriptor, LOCK_EX | LOCK_NB);
  struct stat facts {};
  return ::fstat(descriptor, &facts) != 0 || facts.st_nlink > 0;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  folder_ = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(target_, ignored);
  const std::string name = printablePath(target_);
  if (std::filesystem::is_directory(status)) {
    throw Error(Fault::output,
                name + ": can't be written: a directory of that name is in the way; choose another name");
  }
  // Renaming over a device such as /dev/null would replace it for the whole machine.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(Fault::output, name + ": can't be written: it is a pipe or device; choose the name of a regular file");
  }
  createTemporary();
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::createTemporary() {
  // The process id alone is not unique in a folder shared by several machines: take the next free number.
  for (unsigned number = 0;; ++number) {
    std::string name(temporaryPrefix);
    name += std::to_string(::getpid()) + "-" + std::to_string(number);
    const std::filesystem::path candidate = folder_ / name;
    descriptor_ = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail("can't be created", errno);
    if (descriptor_ < 0) continue;
    if (lockOwn(descriptor_)) {
      temporary_ = candidate;
      leftover_.emplace(temporary_);
      return;
    }
    ::close(std::exchange(descriptor_, -1));
  }
}

void AtomicFile::deleteLeftovers(const std::filesystem::path& folder) noexcept {
  try {
    std::error_code code;
    std::filesystem::directory_iterator each(folder, code);
    for (; !code && each != std::filesystem::directory_iterator(); each.increment(code)) {
      if (!each->path().filename().native().starts_with(temporaryPrefix)) continue;
      const int descriptor = ::open(each->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
      if (descriptor < 0) continue;
      if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) ::unlink(each->path().c_str());
      ::close(descriptor);
    }
  } catch (const std::exception&) {  // what can't be deleted stays
  }
}

void AtomicFile::write(std::string_view text) {
  if (pending_.size() + text.size() > pendingLimit) flush();
  if (text.size() >= pendingLimit) {
    writeThrough(text);
  } else {
    pending_ += text;
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::flush() {
  writeThrough(pending_);
  pending_.clear();
}

void AtomicFile::writeThrough(std::string_view text) {
  if (descriptor_ < 0) throw Error(Fault::internal, printablePath(target_) + ": written to after it was finished");
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("can't be written", errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail("can't be flushed to the disk", errno);
  // Network file systems report a full disk only at closing; a second descriptor keeps the lock until the name is gone that
  // deleteLeftovers looks for. The first one is gone whatever close says.
  const int lock = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  const int closed = ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno;
  const int renamed = closed == 0 && std::rename(temporary_.c_str(), target_.c_str()) != 0 ? errno : 0;
  if (lock >= 0) ::close(lock);
  if (closed != 0) fail("can't be closed", closed);
  if (renamed != 0) fail("can't be put in its place", renamed);
  temporary_.clear();
  leftover_.reset();
  syncFolder(folder_);
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  leftover_.reset();
  pending_.clear();
}

void AtomicFile::fail(std::string_view doing, int code) {
  discard();
  throw Error(Fault::output, printablePath(target_) + ": " + std::string(doing) + ": " + std::strerror(code) +
                                 (code == ENOSPC ? freeSpace(folder_) : "") + "; " + std::string(advice(code)));
}

void syncFolder(const std::filesystem::path& folder) noexcept {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void requireWritable(const std::filesystem::path& path) { const AtomicFile there_for_a_moment(path); }

void writeFile(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace heft
