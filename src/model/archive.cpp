#include "model/archive.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <vector>

#include "data/input_file.hpp"
#include "data/zip.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr auto kHowToScript =
    "in Python: torch.jit.script(model.eval()).save('model.pt'), or torch.jit.trace(model.eval(), example)";

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(Fault::model, path.string() + ": " + why);
}

/// Names of the archive's members without their common folder, once every checksum has been checked: LibTorch leaves
/// that out, and a flipped bit would be measured as if it were a weight.
std::vector<std::string> recordsOf(const std::filesystem::path& path) {
  std::vector<std::string> names;
  try {
    const auto file = InputFile::open(path, Fault::model);
    for (const auto& member : listZip(file)) {
      (void)readZipMember(file, member);
      names.push_back(member.name.substr(member.name.find('/') + 1));
    }
  } catch (const Error& error) {
    if (error.fault() != Fault::model) throw;
    refuse(path, "begins like a TorchScript archive but is cut off or damaged; copy or save it again");
  }
  return names;
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
  if (std::filesystem::is_directory(path, ignored)) refuse(path, "is a folder; a TorchScript file was expected");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, "can't be opened; check its permissions");
  std::array<char, 4> head{};
  file.read(head.data(), head.size());
  if (file.gcount() == 0) refuse(path, "is empty; a TorchScript file was expected");
  if (head[0] == '\x80') {
    refuse(path, std::string("is a Python pickle (torch.save in its old format), not TorchScript; ") + kHowToScript);
  }
  if (std::string_view(head.data(), 2) != "PK") {
    refuse(path, std::string("is not a TorchScript file (those are zip archives); ") + kHowToScript);
  }
  const auto records = recordsOf(path);
  const auto has = [&](const char* name) { return std::find(records.begin(), records.end(), name) != records.end(); };
  if (has("constants.pkl")) return;
  if (has("data.pkl")) {
    refuse(path,
           std::string("was written by torch.save (a pickle of Python objects), not as TorchScript; ") + kHowToScript);
  }
  refuse(path, std::string("is a zip archive without a TorchScript model in it; ") + kHowToScript);
}

}  // namespace heft
