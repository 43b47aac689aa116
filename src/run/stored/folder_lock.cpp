#include "run/stored/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// Whether the name still leads to the open file: its holder deletes it on leaving, and a lock on a deleted
/// file keeps nobody out.
bool stillThere(int descriptor, const std::filesystem::path& file) {
  struct stat open {};
  struct stat named {};
  return ::fstat(descriptor, &open) == 0 && ::stat(file.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, Use use) : file_(folder / fileName) {
  const std::string name = printablePath(folder);
  while (true) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && use == Use::read && (errno == EROFS || errno == EACCES || errno == EPERM)) return;
    if (descriptor_ < 0) {
      throw Error(Fault::output, name + ": can't be written to: " + std::strerror(errno) +
                                     "; choose a folder that you may write to with " + settingName("output"));
    }
    int code = 0;
    while ((code = ::flock(descriptor_, (use == Use::read ? LOCK_SH : LOCK_EX) | LOCK_NB)) != 0 && errno == EINTR) {
    }
    if (code != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw Error(Fault::output, name + ": another heft is writing into this folder; wait for it or choose another " +
                                     settingName("output"));
    }
    if (code != 0 || stillThere(descriptor_, file_)) return;
    ::close(descriptor_);
  }
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  // The last one to leave: other readers would hold a lock on a file that is gone.
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace heft
