#include <deque>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "data/safetensors.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/export.hpp"
#include "run/folder/export_rows.hpp"

namespace heft {
namespace {

constexpr std::pair<const char*, std::vector<float> ParameterImpacts::*> floatColumns[] = {
    {"impact", &ParameterImpacts::impact},
    {"weight", &ParameterImpacts::weight},
    {"lower", &ParameterImpacts::lower},
    {"upper", &ParameterImpacts::upper},
    {"standard_error", &ParameterImpacts::standard_error}};

/// `values` where `in_table`, elsewhere `otherwise`.
template <typename Value>
std::vector<Value> only(const std::vector<std::uint8_t>& in_table, std::vector<Value> values, Value otherwise) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (in_table[i] == 0) values[i] = otherwise;
  }
  return values;
}

}  // namespace

std::size_t exportSafetensors(const Run& run, const std::filesystem::path& file, const KeepWeight& keep) {
  checkSizes(run);
  std::vector<std::vector<std::uint8_t>> in_table;
  std::vector<std::size_t> rows(run.impacts.size(), 0);
  for (const auto& one : run.impacts) in_table.emplace_back(one.impact.size(), std::uint8_t{0});
  eachExported(run, keep, [&](const ExportRow& row) {
    in_table[row.parameter][static_cast<std::size_t>(row.index)] = 1;
    ++rows[row.parameter];
  });

  // Whole parameters are written from where they lie.
  std::deque<std::vector<float>> cut;
  std::deque<std::vector<std::uint8_t>> cut_flags;
  std::vector<TensorView> views;
  std::size_t written = 0;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    if (rows[p] == 0) continue;
    const auto& info = run.structure.parameters[p];
    const auto& from = run.impacts[p];
    const bool whole = rows[p] == from.impact.size();
    for (const auto& [name, column] : floatColumns) {
      if (!whole) cut.push_back(only(in_table[p], from.*column, std::numeric_limits<float>::quiet_NaN()));
      const auto& values = whole ? from.*column : cut.back();
      views.push_back({std::string(name) + "/" + info.name, Scalar::f32, info.shape, std::as_bytes(std::span(values))});
    }
    if (!whole) cut_flags.push_back(only(in_table[p], from.measured, std::uint8_t{0}));
    const auto& flags = whole ? from.measured : cut_flags.back();
    views.push_back({"executed/" + info.name, Scalar::boolean, info.shape, std::as_bytes(std::span(flags))});
    written += rows[p];
  }
  writeSafetensors(file, views, {{"format", "heft"}});
  return written;
}

}  // namespace heft
