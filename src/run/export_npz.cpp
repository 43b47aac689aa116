#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "data/npy_header.hpp"
#include "data/zip_writer.hpp"
#include "run/export.hpp"
#include "run/export_rows.hpp"
#include "run/findings.hpp"

namespace heft {
namespace {

/// The characters of UTF-8 text, as NumPy keeps texts; bytes that are no UTF-8 become U+FFFD.
std::u32string charactersOf(const std::string& text) {
  std::u32string characters;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    char32_t character = length == 1 ? first : first & (0xFFU >> (length + 1));
    bool valid = (first < 0x80 || first >= 0xC2) && first < 0xF5 && i + length <= text.size();
    for (std::size_t k = 1; valid && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      valid = (next & 0xC0U) == 0x80;
      character = character << 6U | (next & 0x3FU);
    }
    characters.push_back(valid ? character : U'\uFFFD');
    i += valid ? length : 1;
  }
  return characters;
}

/// A column of text, by how often each text stands in a row.
class TextColumn {
 public:
  void push(const std::string& text) {
    if (stretches_.empty() || stretches_.back().text != text) stretches_.push_back({text, 0});
    ++stretches_.back().rows;
    ++rows_;
  }

  void write(ZipWriter& file, const std::string& name) const {
    std::size_t width = 1;
    for (const auto& one : stretches_) width = std::max(width, charactersOf(one.text).size());
    const std::string head = makeNpyHeader("<U" + std::to_string(width), {static_cast<std::int64_t>(rows_)});
    file.addPacked(name + ".npy", [&](const TakeBytes& take) {
      take(std::as_bytes(std::span(head)));
      for (const auto& one : stretches_) {
        auto cell = charactersOf(one.text);
        cell.resize(width);
        constexpr std::size_t most = 1024;
        std::u32string block;
        for (std::size_t i = 0; i < std::min(one.rows, most); ++i) block += cell;
        for (std::size_t left = one.rows; left > 0;) {
          const std::size_t now = std::min(left, most);
          take(std::as_bytes(std::span(block).first(now * width)));
          left -= now;
        }
      }
    });
  }

 private:
  struct Stretch {
    std::string text;
    std::size_t rows = 0;
  };
  std::vector<Stretch> stretches_;
  std::size_t rows_ = 0;
};

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
