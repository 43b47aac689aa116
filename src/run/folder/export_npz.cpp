#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "data/npy_header.hpp"
#include "data/zip_writer.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/export.hpp"
#include "run/folder/export_rows.hpp"
#include "run/text/text_column.hpp"

namespace heft {
namespace {

class Table {
 public:
  Table(const Run& run, const std::filesystem::path& path, const KeepWeight& keep)
      : run_(run), keep_(keep), file_(path) {
    eachExported(run, keep, [&](const ExportRow&) { ++rows_; });
  }

  /// One column at a time is held in memory; `get(row)` is a cell.
  template <typename Get>
  void numbers(const std::string& name, Scalar scalar, Get get) {
    std::vector<decltype(get(std::declval<const ExportRow&>()))> values;
    values.reserve(rows_);
    eachExported(run_, keep_, [&](const ExportRow& row) { values.push_back(get(row)); });
    const std::string head = makeNpyHeader(scalar, {static_cast<std::int64_t>(rows_)});
    file_.add(name + ".npy", std::as_bytes(std::span(head)), std::as_bytes(std::span(values)));
  }

  template <typename Get>
  void texts(const std::string& name, Get get) {
    TextColumn column;
    eachExported(run_, keep_, [&](const ExportRow& row) { column.push(get(row)); });
    column.write(file_, name);
  }

  /// The values of each parameter's own vector.
  void values(const std::string& name, std::vector<float> ParameterImpacts::*of) {
    numbers(name, Scalar::f32, [&](const ExportRow& row) {
      return (run_.impacts[row.parameter].*of)[static_cast<std::size_t>(row.index)];
    });
  }

  std::size_t commit() {
    file_.commit();
    return rows_;
  }

 private:
  const Run& run_;
  const KeepWeight& keep_;
  ZipWriter file_;
  std::size_t rows_ = 0;
};

std::int32_t orNone(const std::optional<std::int64_t>& value) { return static_cast<std::int32_t>(value.value_or(-1)); }

}  // namespace

std::size_t exportNpz(const Run& run, const std::filesystem::path& file, const KeepWeight& keep) {
  checkSizes(run);
  Table table(run, file, keep);
  table.texts("parameter",
              [&](const ExportRow& row) -> const std::string& { return run.structure.parameters[row.parameter].name; });
  table.numbers("index", Scalar::i64, [](const ExportRow& row) { return row.index; });
  table.values("weight", &ParameterImpacts::weight);
  table.values("impact", &ParameterImpacts::impact);
  table.values("lower", &ParameterImpacts::lower);
  table.values("upper", &ParameterImpacts::upper);
  table.numbers("executed", Scalar::boolean, [&](const ExportRow& row) {
    return static_cast<std::uint8_t>(run.impacts[row.parameter].measured[static_cast<std::size_t>(row.index)] != 0);
  });
  table.values("standard_error", &ParameterImpacts::standard_error);
  table.texts("layer", [](const ExportRow& row) -> const std::string& { return row.place.layer; });
  table.texts("direction", [](const ExportRow& row) -> const std::string& { return row.place.direction; });
  table.texts("gate", [](const ExportRow& row) -> const std::string& { return row.place.gate; });
  table.numbers("unit", Scalar::i32, [](const ExportRow& row) { return orNone(row.place.unit); });
  table.numbers("column", Scalar::i32, [](const ExportRow& row) { return orNone(row.place.column); });
  return table.commit();
}

}  // namespace heft
