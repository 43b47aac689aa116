#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace heft::fuzz {

/// A folder for files that are read by their path; one for the whole process, in memory where the system has such a place.
inline const std::filesystem::path& scratch() {
  static const std::filesystem::path folder = [] {
    std::error_code none;
    const std::filesystem::path shm = "/dev/shm";
    auto path = (std::filesystem::is_directory(shm, none) ? shm : std::filesystem::temp_directory_path()) /
                ("heft-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path;
  }();
  return folder;
}

inline void put(const std::filesystem::path& file, const std::uint8_t* data, std::size_t size) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

}  // namespace heft::fuzz
