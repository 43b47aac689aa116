#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/atomic_file.hpp"

namespace heft {

/// A table as text, whole or not at all: comma, RFC 4180 quoting, lines end in \n, numbers in the shortest
/// form that reads back exactly. NaN, "not measured", is an empty cell, so that pandas and DuckDB read it as
/// missing.
class CsvWriter {
 public:
  CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& columns);

  CsvWriter& cell(std::string_view text);

  template <typename Number>
  requires((std::integral<Number> && !std::same_as<Number, bool> && !std::same_as<Number, char>) ||
           std::floating_point<Number>) CsvWriter& cell(Number value) {
    if constexpr (std::floating_point<Number>) {
      if (std::isnan(value)) return missing();
    }
    char digits[32];
    const std::to_chars_result end = std::to_chars(digits, digits + sizeof(digits), value);
    startCell();
    file_.write(std::string_view(digits, end.ptr));
    return *this;
  }

  /// An empty cell: no value.
  CsvWriter& missing();

  /// Throws Error(Fault::internal) where the row has not one cell a column.
  void endRow();

  /// Makes the file appear.
  void commit();

 private:
  void startCell();

  AtomicFile file_;
  std::size_t columns_;
  std::size_t cells_ = 0;
};

}  // namespace heft
