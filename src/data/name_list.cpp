#include "data/name_list.hpp"

#include <filesystem>
#include <fstream>

#include "heft/error.hpp"

namespace heft {

std::vector<std::string> readNames(const std::string& file) {
  if (file.empty()) return {};
  constexpr std::size_t kMostBytes = 1 << 20;
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::input, file + ": " + what + "; a text file with a name a line was expected");
  };
  std::ifstream stream(file);
  std::error_code error;
  if (!stream || std::filesystem::is_directory(file, error)) refuse("can't be read");
  std::vector<std::string> names;
  std::size_t bytes = 0;
  for (std::string line; std::getline(stream, line);) {
    bytes += line.size();
    if (line.find('\0') != std::string::npos || bytes > kMostBytes) refuse("is no list of names");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.empty()) refuse("is empty");
  return names;
}

}  // namespace heft
