#include "compare/document.hpp"

#include <fstream>
#include <utility>

#include "data/atomic_file.hpp"
#include "data/csv.hpp"
#include "run/sealed_json.hpp"

namespace heft {

void addToComparison(const std::filesystem::path& folder, const nlohmann::ordered_json& sections) {
  const auto file = folder / "comparison.json";
  std::ifstream stream(file);
  // A damaged one is of no use to anybody: it is written anew.
  auto document = nlohmann::ordered_json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) document = nlohmann::ordered_json::object();
  for (const auto& [key, value] : sections.items()) document[key] = value;
  AtomicFile::deleteLeftovers(folder);
  writeSealedJson(file, std::move(document));
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
