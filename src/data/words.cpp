#include "data/words.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/printable.hpp"

namespace heft {
namespace {

bool shorten_names = true;

bool startsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

/// The byte at which character number `count` begins.
std::size_t byteOf(std::string_view text, std::size_t count) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (startsCharacter(text[i]) && count-- == 0) return i;
  }
  return text.size();
}

}  // namespace

std::string joined(std::span<const std::string> parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

std::string alternatives(std::span<const std::string> parts) {
  if (parts.size() < 2) return joined(parts, "");
  return joined(parts.first(parts.size() - 1), ", ") + " or " + parts.back();
}

std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string significant(double value, int digits) {
  if (std::isnan(value)) return "–";
  char text[64];
  std::snprintf(text, sizeof(text), "%.*g", digits, value);
  return text;
}

std::string counted(std::size_t number, std::string_view noun) {
  return grouped(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::size_t widthOf(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += startsCharacter(c);
  return width;
}

void shortenNames(bool shorten) { shorten_names = shorten; }

std::size_t nameColumn(std::size_t usual, std::size_t longest) {
  return shorten_names ? usual : std::max(usual, longest);
}

std::string shortenedInTheMiddle(std::string_view name, std::size_t width) {
  const std::string text = printable(name, std::string::npos);
  const std::size_t full = widthOf(text);
  if (!shorten_names || full <= width) return text;
  const std::size_t kept = width > 0 ? width - 1 : 0;
  const std::size_t front = kept / 2;
  return text.substr(0, byteOf(text, front)) + "…" + text.substr(byteOf(text, full - (kept - front)));
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t found = widthOf(text);
  return std::string(text) + std::string(found < width ? width - found : 0, ' ');
}

std::string rightAligned(std::string_view text, std::size_t width) {
  const std::size_t found = widthOf(text);
  return std::string(found < width ? width - found : 0, ' ') + std::string(text);
}

std::string wrapped(std::string_view text, std::size_t width) {
  std::string result;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const std::size_t needed = widthOf(word);
    if (used > 0 && used + 1 + needed > width) {
      result += '\n';
      used = 0;
    } else if (used > 0) {
      result += ' ';
      ++used;
    }
    result += word;
    used += needed;
  }
  return result;
}

}  // namespace heft
