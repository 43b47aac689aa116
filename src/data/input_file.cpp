#include "data/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "data/printable.hpp"
#include "data/tensor_file.hpp"

namespace heft {

InputFile InputFile::open(const std::filesystem::path& path, Fault fault) {
  InputFile file(printablePath(path), fault);
  // O_NONBLOCK: a named pipe is then refused below instead of waiting for a writer that never comes.
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) {
    if (errno == ENOENT) file.fail("no such file; check the path");
    if (errno == EACCES || errno == EPERM) file.fail("may not be read (permission denied); check its permissions");
    file.fail(std::string("can't be opened: ") + std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(file.descriptor_, &status) != 0) file.fail(std::string("can't be examined: ") + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) file.fail("is a directory; expected a file");
  if (!S_ISREG(status.st_mode)) file.fail("is a pipe or device; expected a regular file, so save it to disk first");
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

InputFile InputFile::ofBytes(std::string name, std::vector<std::byte> bytes, Fault fault) {
  InputFile file(std::move(name), fault);
  file.memory_ = std::move(bytes);
  file.size_ = file.memory_.size();
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : name_(std::move(other.name_)),
      fault_(other.fault_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)),
      memory_(std::move(other.memory_)) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::fail(const std::string& text) const { throw Error(fault_, name_ + ": " + text); }

void InputFile::requireBytes(std::uint64_t offset, std::uint64_t count, std::string_view what) const {
  if (size_ == 0) fail("the file is empty (0 bytes)");
  if (offset > size_ || count > size_ - offset) {
    fail("cut short: " + std::string(what) + " needs " + std::to_string(count) + " bytes at byte " +
         std::to_string(offset) + ", but the file has " + std::to_string(size_) + " bytes; copy or save it again");
  }
}

void InputFile::readInto(std::uint64_t offset, std::span<std::byte> into, std::string_view what) const {
  requireBytes(offset, into.size(), what);
  if (descriptor_ < 0) {
    if (!into.empty()) std::memcpy(into.data(), memory_.data() + offset, into.size());
    return;
  }
  // Linux reads at most 2 GiB a call.
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t count =
        ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(std::string("can't be read: ") + std::strerror(errno));
    if (count == 0) fail("became shorter while it was read; is something still writing it?");
    done += static_cast<std::size_t>(count);
  }
}

std::vector<std::byte> InputFile::read(std::uint64_t offset, std::uint64_t count, std::string_view what) const {
  requireBytes(offset, count, what);
  std::vector<std::byte> bytes = allocateBytes(count, name_ + ": " + std::string(what));
  readInto(offset, bytes, what);
  return bytes;
}

std::string looksLike(const InputFile& file) {
  std::array<std::byte, 64> head{};
  const std::size_t count = std::min<std::uint64_t>(head.size(), file.size());
  if (count == 0) return "an empty file";
  file.readInto(0, std::span(head).first(count), "the first bytes");
  const std::string_view text(reinterpret_cast<const char*>(head.data()), count);

  if (text.starts_with("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  if (text.starts_with("\x93NUMPY")) return "a NumPy .npy array";
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return "a zip archive (.npz or .pt)";
  if (text.starts_with("\x1f\x8b")) return "a gzip file";
  if (text.starts_with("\x89HDF")) return "an HDF5 file";
  if (text.starts_with("\x80") && count > 1 && head[1] >= std::byte{2} && head[1] <= std::byte{5}) {
    return "a Python pickle";
  }
  if (count > 8 && text[8] == '{' && text.substr(1, 7).find('\0') != std::string_view::npos) {
    return "a safetensors file";
  }
  if (text.starts_with("<!DOCTYPE") || text.starts_with("<html")) return "a web page";
  const bool isText = std::all_of(
      text.begin(), text.end(), [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
  if (isText) return "plain text";
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\0'; }) ? "zeros" : "other binary data";
}

}  // namespace heft
