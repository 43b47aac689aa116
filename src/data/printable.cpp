#include "data/printable.hpp"

#include <algorithm>

namespace heft {
namespace {

bool within(unsigned char byte, unsigned char first, unsigned char last) { return byte >= first && byte <= last; }

/// What the second byte may be after this lead byte, the rest being 80..BF (Unicode 15, table 3-7), and how many bytes there are.
struct Sequence {
  std::size_t length;
  unsigned char low, high;
};

Sequence sequenceOf(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (within(lead, 0xc2, 0xdf)) return {2, 0x80, 0xbf};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (within(lead, 0xe1, 0xef)) return {3, 0x80, 0xbf};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  if (within(lead, 0xf1, 0xf3)) return {4, 0x80, 0xbf};
  return {0, 0, 0};
}

/// Characters that a terminal acts on instead of showing them: C0, DEL, C1 (U+009B begins a sequence as ESC [ does), line and paragraph
/// separators, and those that turn the direction of what follows.
bool acts(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

TextPiece nextPiece(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto sequence = sequenceOf(byte(0));
  if (sequence.length == 0) return {1, TextPiece::Kind::broken, 0};
  for (std::size_t i = 1; i < sequence.length; ++i) {
    if (i == text.size()) return {text.size(), TextPiece::Kind::cut, 0};
    const bool fits = i == 1 ? within(byte(1), sequence.low, sequence.high) : within(byte(i), 0x80, 0xbf);
    if (!fits) return {i, TextPiece::Kind::broken, 0};
  }
  char32_t code = byte(0);
  if (sequence.length > 1) code &= 0x7fU >> sequence.length;
  for (std::size_t i = 1; i < sequence.length; ++i) code = (code << 6U) | (byte(i) & 0x3fU);
  return {sequence.length, acts(code) ? TextPiece::Kind::acts : TextPiece::Kind::plain, code};
}

std::string hexBytes(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    out += "\\x";
    out += hex[code >> 4U];
    out += hex[code & 0xfU];
  }
  return out;
}

std::string printable(std::string_view text, std::size_t longest) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto piece = nextPiece(text.substr(at));
    if (at + piece.length > longest) return out + "...";
    const auto bytes = text.substr(at, piece.length);
    out += piece.kind == TextPiece::Kind::plain ? std::string(bytes) : hexBytes(bytes);
    at += piece.length;
  }
  return out;
}

std::string printablePath(const std::filesystem::path& path) { return printable(path.native(), std::string::npos); }

}  // namespace heft
