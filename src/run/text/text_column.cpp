#include "run/text/text_column.hpp"

#include <algorithm>
#include <span>

#include "data/npy_header.hpp"

namespace heft {
namespace {

/// The characters of UTF-8 text, as NumPy keeps texts; bytes that are no UTF-8 become U+FFFD.
std::u32string charactersOf(const std::string& text) {
  std::u32string characters;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    char32_t character = length == 1 ? first : first & (0xFFU >> (length + 1));
    bool valid = (first < 0x80 || first >= 0xC2) && first < 0xF5 && i + length <= text.size();
    for (std::size_t k = 1; valid && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      valid = (next & 0xC0U) == 0x80;
      character = character << 6U | (next & 0x3FU);
    }
    characters.push_back(valid ? character : U'\uFFFD');
    i += valid ? length : 1;
  }
  return characters;
}

}  // namespace

void TextColumn::push(const std::string& text) {
  if (stretches_.empty() || stretches_.back().text != text) stretches_.push_back({text, 0});
  ++stretches_.back().rows;
  ++rows_;
}

void TextColumn::write(ZipWriter& file, const std::string& name) const {
  std::size_t width = 1;
  for (const auto& one : stretches_) width = std::max(width, charactersOf(one.text).size());
  const std::string head = makeNpyHeader("<U" + std::to_string(width), {static_cast<std::int64_t>(rows_)});
  file.addPacked(name + ".npy", [&](const TakeBytes& take) {
    take(std::as_bytes(std::span(head)));
    for (const auto& one : stretches_) {
      auto cell = charactersOf(one.text);
      cell.resize(width);
      constexpr std::size_t most = 1024;
      std::u32string block;
      for (std::size_t i = 0; i < std::min(one.rows, most); ++i) block += cell;
      for (std::size_t left = one.rows; left > 0;) {
        const std::size_t now = std::min(left, most);
        take(std::as_bytes(std::span(block).first(now * width)));
        left -= now;
      }
    }
  });
}

}  // namespace heft
