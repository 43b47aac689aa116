#include "data/memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace heft {
namespace {

/// The number behind `key` in a file of lines "Key:   number kB", in bytes.
std::optional<double> kilobytes(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    double number = 0;
    if (word == key + ":" && lines >> number) return number * 1024;
  }
  return std::nullopt;
}

std::optional<double> number(const std::string& file) {
  std::ifstream text(file);
  double value = 0;
  if (text >> value) return value;
  return std::nullopt;  // "max", or no such file
}

/// What the control group (version 2) that the process is in leaves.
std::optional<double> leftByGroup() {
  std::ifstream groups("/proc/self/cgroup");
  std::optional<double> left;
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::")) continue;
    const auto folder = "/sys/fs/cgroup" + line.substr(3);
    const auto limit = number(folder + "/memory.max"), used = number(folder + "/memory.current");
    if (limit && used) left = *limit - *used;
  }
  return left;
}

}  // namespace

std::optional<double> freeMemory() {
  auto least = kilobytes("/proc/meminfo", "MemAvailable");
  const auto lower = [&](std::optional<double> other) {
    if (other) least = std::max(0.0, least ? std::min(*least, *other) : *other);
  };
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const auto pages = number("/proc/self/statm");
    lower(static_cast<double>(limit.rlim_cur) - pages.value_or(0) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  lower(leftByGroup());
  return least;
}

double takenMemory() { return kilobytes("/proc/self/status", "VmHWM").value_or(0); }

std::string bytesInWords(double bytes) {
  const double mebibytes = bytes / (1 << 20);
  char text[32];
  if (mebibytes < 1000)
    std::snprintf(text, sizeof text, "%.0f MiB", mebibytes);
  else
    std::snprintf(text, sizeof text, "%.1f GiB", mebibytes / 1024);
  return text;
}

bool saysOutOfMemory(std::string_view text) {
  for (const auto* words : {"not enough memory", "can't allocate memory", "out of memory", "Cannot allocate memory",
                            "bad_alloc", "STATUS_ALLOC_FAILED"}) {  // cuBLAS and cuDNN
    if (text.find(words) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace heft
