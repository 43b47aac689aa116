#include "data/csv.hpp"

#include "heft/error.hpp"

namespace heft {

CsvWriter::CsvWriter(const std::filesystem::path& path, const std::vector<std::string>& columns)
    : file_(path), columns_(columns.size()) {
  for (const std::string& column : columns) cell(std::string_view(column));
  endRow();
}

void CsvWriter::startCell() {
  if (cells_ != 0) file_.write(",");
  ++cells_;
}

CsvWriter& CsvWriter::cell(std::string_view text) {
  startCell();
  // "" tells an empty text from a missing value.
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    file_.write(text);
    return *this;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  file_.write(quoted);
  return *this;
}

CsvWriter& CsvWriter::missing() {
  startCell();
  return *this;
}

void CsvWriter::endRow() {
  if (cells_ != columns_) {
    throw Error(Fault::internal, file_.target().string() + ": a row has " + std::to_string(cells_) +
                                     " cells, but the table has " + std::to_string(columns_) + " columns");
  }
  file_.write("\n");
  cells_ = 0;
}

void CsvWriter::commit() {
  if (cells_ != 0) throw Error(Fault::internal, file_.target().string() + ": finished in the middle of a row");
  file_.commit();
}

}  // namespace heft
