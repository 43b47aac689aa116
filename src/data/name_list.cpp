#include "data/name_list.hpp"

#include <filesystem>
#include <fstream>

#include "heft/error.hpp"

namespace heft {

std::vector<std::string> readNames(const std::string& file) {
  if (file.empty()) return {};
  constexpr std::size_t kMostBytes = 1 << 20;
  const std::string wanted = "a text file with a name a line was expected";
  std::ifstream stream(file);
  std::error_code error;
  if (!stream || std::filesystem::is_directory(file, error))
    throw Error(Fault::input, file + ": can't be read; " + wanted);
  std::vector<std::string> names;
  std::size_t bytes = 0;
  for (std::string line; std::getline(stream, line);) {
    bytes += line.size();
    if (line.find('\0') != std::string::npos || bytes > kMostBytes)
      throw Error(Fault::input, file + ": is no list of names; " + wanted);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.empty()) throw Error(Fault::input, file + ": is empty; " + wanted);
  return names;
}

}  // namespace heft
