#include "compare/document.hpp"

#include <fstream>
#include <utility>

#include "data/atomic_file.hpp"
#include "data/csv.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/sealed_json.hpp"
#include "run/text/tables.hpp"

namespace heft {

bool addToComparison(const std::filesystem::path& folder, const Run& run, const nlohmann::ordered_json& sections) {
  const auto file = folder / "comparison.json";
  std::error_code ignored;
  const bool there = std::filesystem::exists(file, ignored);
  std::ifstream stream(file);
  auto document = nlohmann::ordered_json::parse(stream, nullptr, /*allow_exceptions=*/false);
  // What is damaged must not be sealed again.
  const bool whole = document.is_object() && sealHolds(nlohmann::json(document));
  if (!whole) document = comparisonJson(run, findingsOf(run).comparison);
  for (const auto& [key, value] : sections.items()) document[key] = value;
  AtomicFile::deleteLeftovers(folder);
  writeSealedJson(file, std::move(document));
  return whole || !there;
}

void writeCurves(const std::filesystem::path& file, std::span<const RemovalCurve> curves) {
  CsvWriter table(file, {"criterion", "kind", "share", "change", "loss", "accuracy"});
  const auto optional = [&](const std::optional<double>& value) {
    if (value)
      table.cell(*value);
    else
      table.missing();
  };
  for (const auto& curve : curves) {
    for (const auto& point : curve.points) {
      table.cell(curve.criterion).cell(curve.deletion ? "deletion" : "insertion").cell(point.share).cell(point.change);
      optional(point.loss);
      optional(point.accuracy);
      table.endRow();
    }
  }
  table.commit();
}

}  // namespace heft
