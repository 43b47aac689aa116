#pragma once

#include <string>
#include <vector>

#include "data/csv.hpp"
#include "model/weight_label.hpp"

namespace heft {

/// `columns` and those that writePlace fills: layer, direction, gate, unit, column.
[[nodiscard]] std::vector<std::string> withPlaceColumns(std::vector<std::string> columns);
void writePlace(CsvWriter& table, const WeightPlace& place);

}  // namespace heft
