#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace heft {

/// Text of somebody else's, fit for one line of a terminal: characters that it would act on, and bytes that are no UTF-8, as \xHH; cut
/// after `longest` bytes at most.
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 80);
/// The same for a path, in full: its end says most.
[[nodiscard]] std::string printablePath(const std::filesystem::path& path);

/// The beginning of a text, read as UTF-8.
struct TextPiece {
  enum class Kind {
    plain,
    acts,    ///< a character that a terminal acts on
    broken,  ///< bytes that are no UTF-8
    cut      ///< the text ends within a character
  };
  std::size_t length = 0;  ///< bytes
  Kind kind = Kind::plain;
  char32_t code = 0;  ///< of plain and acts
};

/// `text` is not empty.
[[nodiscard]] TextPiece nextPiece(std::string_view text);

/// Each byte as \xHH.
[[nodiscard]] std::string hexBytes(std::string_view bytes);

}  // namespace heft
