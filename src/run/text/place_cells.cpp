#include "run/text/place_cells.hpp"

namespace heft {
namespace {

void text(CsvWriter& table, const std::string& value) { value.empty() ? table.missing() : table.cell(value); }

void whole(CsvWriter& table, const std::optional<std::int64_t>& value) { value ? table.cell(*value) : table.missing(); }

}  // namespace

std::vector<std::string> withPlaceColumns(std::vector<std::string> columns) {
  columns.insert(columns.end(), {"layer", "direction", "gate", "unit", "column"});
  return columns;
}

void writePlace(CsvWriter& table, const WeightPlace& place) {
  text(table, place.layer);
  text(table, place.direction);
  text(table, place.gate);
  whole(table, place.unit);
  whole(table, place.column);
}

}  // namespace heft
