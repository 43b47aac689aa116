#include "model/archive.hpp"

#include <algorithm>
#include <fstream>
#include <vector>

#include "data/input_file.hpp"
#include "data/zip.hpp"
#include "heft/error.hpp"
#include "model/file_kind.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(Fault::model, path.string() + ": " + why);
}

constexpr std::size_t kPickleRead = 1 << 16;

/// Names of the archive's members without their common folder, once every checksum has been checked: LibTorch leaves
/// that out, and a flipped bit would be measured as if it were a weight.
struct Records {
  std::vector<std::string> names;
  std::string pickle;  ///< how data.pkl begins
};

Records recordsOf(const std::filesystem::path& path) {
  Records records;
  try {
    const auto file = InputFile::open(path, Fault::model);
    for (const auto& member : listZip(file)) {
      const auto content = readZipMember(file, member);
      // Members lie in one folder, or in none.
      records.names.push_back(member.name.substr(member.name.find('/') + 1));
      if (records.names.back() == "data.pkl")
        records.pickle.assign(reinterpret_cast<const char*>(content.data()), std::min(content.size(), kPickleRead));
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::model) throw;
    refuse(path, "begins like a TorchScript archive but is cut off or damaged; copy or save it again");
  }
  return records;
}

}  // namespace

std::string firstLine(const std::string& text) {
  auto line = text.substr(0, text.find('\n'));
  // Messages that passed through the interpreter begin with a line about it and end with the cause.
  if (line.find("TorchScript interpreter") != std::string::npos) {
    if (const auto cause = text.find("RuntimeError: "); cause != std::string::npos) {
      line = text.substr(cause + 14, text.find('\n', cause) - cause - 14);
    } else if (const auto end = text.find_last_not_of(" \n"); end != std::string::npos) {
      // What the model itself raises stands last, as "builtins.ValueError: ...".
      line = text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
      if (line.starts_with("builtins.")) line = line.substr(9);
    }
  }
  if (const auto raised = line.find(" (Exception raised from"); raised != std::string::npos) line.resize(raised);
  if (line.starts_with("[enforce fail")) {
    if (const auto end = line.find("] "); end != std::string::npos) line = line.substr(end + 2);
    if (line.starts_with("err == 0. ")) line = line.substr(10);
  }
  return line;
}

void checkArchive(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) refuse(path, "no such file; a TorchScript model was expected");
  if (std::filesystem::is_directory(path, ignored)) refuse(path, kindOfFolder(path));
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, "can't be opened; check its permissions");
  std::string head(512, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  if (head.empty()) refuse(path, "is empty; a TorchScript file was expected");
  if (!head.starts_with("PK")) refuse(path, kindOfFile(path, head));
  const auto records = recordsOf(path);
  if (const auto kind = kindOfArchive(records.names, records.pickle); !kind.empty()) refuse(path, kind);
}

}  // namespace heft
