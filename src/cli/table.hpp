#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace heft::cli {

/// Lines of the terminal are no wider.
inline constexpr std::size_t kTerminalWidth = 100;

/// Aligned columns for the terminal, each as wide as it must be; where a row would not fit, the first column's names are
/// shortened in the middle.
class Table {
 public:
  /// One character a column: 'l' or 'r' for its side.
  explicit Table(std::string sides) : sides_(std::move(sides)) {}

  /// As many cells as columns.
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// The lines, each after `indent` blanks; columns that are empty in every row but the first are left out.
  [[nodiscard]] std::string text(std::size_t indent) const;

 private:
  std::string sides_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` broken at blanks and hung behind a label: later lines begin under the first one's text.
std::string labelled(const std::string& label, const std::string& text, std::size_t indent);

}  // namespace heft::cli
