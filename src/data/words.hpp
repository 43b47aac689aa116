#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace heft {

/// "204,042".
[[nodiscard]] std::string grouped(std::size_t number);
/// Up to `digits` significant digits: "0.01234", "1.2e-07", "inf"; "–" for NaN.
[[nodiscard]] std::string significant(double value, int digits = 4);
/// "1 weight", "3 weights".
[[nodiscard]] std::string counted(std::size_t number, std::string_view noun);

/// "rms, max, kl": the parts with `between` between them.
[[nodiscard]] std::string joined(std::span<const std::string> parts, std::string_view between);
/// "rms, max or kl".
[[nodiscard]] std::string alternatives(std::span<const std::string> parts);

/// Characters that text takes on a terminal, counting each UTF-8 sequence as one.
[[nodiscard]] std::size_t widthOf(std::string_view text);
/// Fit for a cell of a table, and at most `width` characters: the middle of a longer text becomes "…", since names differ at their
/// ends.
[[nodiscard]] std::string shortenedInTheMiddle(std::string_view text, std::size_t width);
/// Whether tables have the width of a terminal to keep to, as they do by default; else names in them stand whole.
void shortenNames(bool shorten);
/// The width of a table's names where their column usually has `usual`, and the longest of them `longest` characters.
[[nodiscard]] std::size_t nameColumn(std::size_t usual, std::size_t longest);
/// Filled with blanks up to `width`.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);
[[nodiscard]] std::string rightAligned(std::string_view text, std::size_t width);
/// Breaks at blanks into lines of at most `width` characters; a longer word stands alone.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width);

}  // namespace heft
