#include "cli/table.hpp"

#include <algorithm>

#include "data/words.hpp"

namespace heft::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kShortestName = 12;

}  // namespace

std::string Table::text(std::size_t indent) const {
  std::vector<std::size_t> widths(sides_.size(), 0);
  std::size_t total = indent;
  for (std::size_t column = 0; column < sides_.size(); ++column) {
    const auto filled = [&](const auto& row) { return !row[column].empty(); };
    if (column > 0 && rows_.size() > 1 && std::none_of(rows_.begin() + 1, rows_.end(), filled)) continue;
    for (const auto& row : rows_) widths[column] = std::max(widths[column], widthOf(row[column]));
    total += widths[column] + (column > 0 ? kGap : 0);
  }
  if (total > kTerminalWidth) {
    const auto narrow = widths[0] - std::min(total - kTerminalWidth, widths[0] - std::min(widths[0], kShortestName));
    widths[0] = nameColumn(narrow, widths[0]);
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (std::size_t column = 0; column < sides_.size(); ++column) {
      if (column > 0 && widths[column] == 0) continue;
      if (column > 0) line += std::string(kGap, ' ');
      const auto cell = shortenedInTheMiddle(row[column], widths[column]);
      line += sides_[column] == 'r' ? rightAligned(cell, widths[column]) : padded(cell, widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string labelled(const std::string& label, const std::string& text, std::size_t indent) {
  const auto lines = wrapped(text, kTerminalWidth - indent);
  std::string result = padded(label, indent);
  for (const char c : lines) {
    result += c;
    if (c == '\n') result += std::string(indent, ' ');
  }
  return result + "\n";
}

}  // namespace heft::cli
