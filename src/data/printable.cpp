#include "data/printable.hpp"

namespace heft {

std::string printable(std::string_view text, std::size_t longest) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      out += "\\x";
      out += hex[code >> 4U];
      out += hex[code & 0xfU];
    } else {
      out += c;
    }
  }
  if (text.size() > longest) out += "...";
  return out;
}

std::string printablePath(const std::filesystem::path& path) { return printable(path.native(), std::string::npos); }

}  // namespace heft
