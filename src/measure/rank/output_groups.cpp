#include "measure/rank/output_groups.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "data/dims.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

using Piece = OutputLayout::Piece;

[[noreturn]] void refuse(const std::string& why) { throw Error(Fault::usage, settingName("by") + " " + why); }

std::size_t elementsOf(const Piece& piece) {
  std::size_t product = 1;
  for (const auto size : piece.shape) product *= static_cast<std::size_t>(size);
  return product;
}

/// Which of the piece's dimensions a dimension of the whole output is.
std::size_t dimensionOf(const OutputLayout::Part& part, const Piece& piece, std::int64_t dim) {
  const auto own = dim - (part.dims.samples >= 0 && part.dims.samples < dim ? 1 : 0);
  return static_cast<std::size_t>(std::find(piece.order.begin(), piece.order.end(), own) - piece.order.begin());
}

/// Where the role stands in each output, or why that is not known.
std::size_t roleIn(const OutputLayout::Part& part, const Piece& piece, DimRole role, const std::string& word) {
  const bool steps = role == DimRole::steps;
  const auto dim = steps ? part.dims.steps : part.dims.classes;
  if (dim >= 0) return dimensionOf(part, piece, dim);
  const auto& maybe = steps ? part.dims.maybe_steps : part.dims.maybe_classes;
  const auto name = outputName(part.path);
  const auto found = name + " " + describeDims(part.shape, part.dims.roles);
  if (!maybe.empty())
    refuse(word + ": which dimension of " + found + " holds the " + std::string(heft::name(role)) +
           " can't be told; say so with " + readings(name, part.shape, part.dims, role, maybe));
  refuse(word + ": " + found + " has no dimension of " + std::string(heft::name(role)) + " that is known; " +
         settingName("dims") + " says which, " + settingName("output-target") + " scores another output");
}

/// [elements] of all pieces: the index along the dimension that has the role.
std::vector<std::int64_t> indicesOf(const OutputLayout& layout, DimRole role, const std::string& word) {
  const auto pieces = layout.pieces();
  std::vector<std::int64_t> indices;
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const Piece& piece = pieces[p];
    const auto dimension = roleIn(layout.parts()[p], piece, role, word);
    std::int64_t inner = 1;
    for (std::size_t d = dimension + 1; d < piece.shape.size(); ++d) inner *= piece.shape[d];
    const auto elements = static_cast<std::int64_t>(elementsOf(piece));
    for (std::int64_t i = 0; i < elements; ++i)
      indices.push_back(piece.first[dimension] + i / inner % piece.shape[dimension]);
  }
  return indices;
}

/// 1 for each column that is an imaginary part, whose element its real part stands for.
std::vector<std::uint8_t> imaginaryOf(const OutputLayout& layout) {
  std::vector<std::uint8_t> imaginary(static_cast<std::size_t>(layout.elements()), 0);
  if (!layout.realParts().defined()) return imaginary;
  const auto real = layout.realParts().to(at::kCPU, at::kDouble).contiguous();
  for (std::size_t i = 0; i + 1 < imaginary.size(); ++i) imaginary[i + 1] = real.const_data_ptr<double>()[i] != 0;
  return imaginary;
}

/// Counts what is in each group.
void count(const OutputLayout& layout, OutputGroups& found) {
  const auto imaginary = imaginaryOf(layout);
  const auto columns = imaginary.size();
  std::vector<std::size_t> seen(found.groups.size(), found.of.size());
  found.columns.assign(found.groups.size(), 0);
  for (std::size_t i = 0; i < found.of.size(); ++i) {
    if (found.of[i] < 0) continue;
    const auto group = static_cast<std::size_t>(found.of[i]);
    ++found.columns[group];
    found.groups[group].elements += imaginary[i % columns] == 0;
    found.groups[group].samples += seen[group] != i / columns;
    seen[group] = i / columns;
  }
}

/// Puts keys into groups: `key_of` is [samples, elements], -1 for an element in none; `names` are the keys'.
OutputGroups grouped(const Session& session, const std::vector<std::int64_t>& key_of,
                     const std::map<std::int64_t, std::string>& names) {
  OutputGroups found;
  std::map<std::int64_t, std::int32_t> places;
  for (const auto& [key, name] : names) {
    places[key] = static_cast<std::int32_t>(found.groups.size());
    found.groups.push_back({name, 0, 0});
  }
  found.of.reserve(key_of.size());
  for (const auto key : key_of) found.of.push_back(key < 0 ? -1 : places.at(key));
  count(session.layout(), found);
  const auto classes = static_cast<std::ptrdiff_t>(session.layout().classes());
  for (auto row = found.of.begin(); row != found.of.end(); row += classes) {
    if (std::any_of(row, row + classes, [&](auto one) { return one != *row; })) {
      found.of_row.clear();
      break;
    }
    found.of_row.push_back(*row);
  }
  return found;
}

/// The same keys for every sample, named by their numbers.
OutputGroups byElement(const Session& session, const std::vector<std::int64_t>& key_of) {
  std::vector<std::int64_t> all;
  std::map<std::int64_t, std::string> names;
  for (std::int64_t s = 0; s < session.layout().samples(); ++s) all.insert(all.end(), key_of.begin(), key_of.end());
  for (const auto key : key_of) names.emplace(key, std::to_string(key));
  return grouped(session, all, names);
}

OutputGroups byClass(const Session& session) {
  const auto of = indicesOf(session.layout(), DimRole::classes, "class");
  const auto& parts = session.layout().parts();
  for (const auto& part : parts) {
    const auto classes = [](const auto& one) { return one.shape[static_cast<std::size_t>(one.dims.classes)]; };
    if (classes(part) != classes(parts[0]))
      refuse("class: the outputs have " + std::to_string(classes(parts[0])) + " and " + std::to_string(classes(part)) +
             " classes; score one of them with " + settingName("output-target"));
  }
  if (*std::max_element(of.begin(), of.end()) == *std::min_element(of.begin(), of.end()))
    refuse("class: the outputs have one class (" + session.layout().describeDims() +
           "), so there is nothing to tell apart");
  return byElement(session, of);
}

OutputGroups byOutput(const Session& session, const std::string& word) {
  const auto pieces = session.layout().pieces();
  if (pieces.size() < 2) refuse(word + ": one output is scored, so there is nothing to tell apart");
  std::vector<std::int64_t> of;
  for (std::size_t p = 0; p < pieces.size(); ++p)
    of.insert(of.end(), elementsOf(pieces[p]), static_cast<std::int64_t>(p));
  auto found = byElement(session, of);
  for (std::size_t p = 0; p < pieces.size(); ++p) found.groups[p].name = pieces[p].path;
  return found;
}

OutputGroups byTarget(const Session& session) {
  const auto& targets = session.targets();
  if (!targets) {
    if (session.layout().pieces().size() > 1) return byOutput(session, "target");
    refuse("target: no targets were given; " + settingName("targets") + " FILE brings each sample's class");
  }
  if (!targets->classes.defined())
    refuse("target: the targets are values, no classes; " + settingName("by") + " FILE takes a label for each sample");
  const auto classes = static_cast<std::size_t>(session.layout().classes());
  auto rows = targets->classes.to(at::kCPU).contiguous();  // [samples, rows of classes]
  if (targets->weight.defined()) rows = rows.masked_fill(targets->weight.to(at::kCPU).eq(0), -1);  // left out
  const auto* of = rows.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> all;
  std::map<std::int64_t, std::string> names;
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    all.insert(all.end(), classes, of[i]);
    if (of[i] >= 0) names.emplace(of[i], std::to_string(of[i]));
  }
  return grouped(session, all, names);
}

std::optional<std::int64_t> wholeNumber(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Whole numbers by size, else by the alphabet.
bool comesFirst(const std::string& a, const std::string& b) {
  const auto x = wholeNumber(a), y = wholeNumber(b);
  if (x && y) return *x != *y ? *x < *y : a < b;
  return x.has_value() != y.has_value() ? x.has_value() : a < b;
}

OutputGroups byLabel(const Session& session, const std::vector<std::string>& labels) {
  const auto samples = static_cast<std::size_t>(session.layout().samples());
  if (labels.size() != samples)
    refuse("FILE: it holds " + counted(labels.size(), "label") + ", the inputs have " + counted(samples, "sample") +
           (session.batch().interact ? " (they influence each other, so all are measured as one)" : "") +
           "; one label for each, in their order, was expected");
  std::vector<std::string> names(labels);
  std::sort(names.begin(), names.end(), comesFirst);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::map<std::string, std::int64_t> key_of;
  std::map<std::int64_t, std::string> name_of;
  for (std::size_t n = 0; n < names.size(); ++n) {
    key_of[names[n]] = static_cast<std::int64_t>(n);
    name_of[static_cast<std::int64_t>(n)] = names[n];
  }
  std::vector<std::int64_t> all;
  for (const auto& label : labels)
    all.insert(all.end(), static_cast<std::size_t>(session.layout().elements()), key_of.at(label));
  return grouped(session, all, name_of);
}

}  // namespace

OutputGroups outputGroups(const Session& session, const RankSettings& settings) {
  switch (settings.by) {
    case GroupBy::klass:
      return byClass(session);
    case GroupBy::step:
      return byElement(session, indicesOf(session.layout(), DimRole::steps, "step"));
    case GroupBy::output:
      return byOutput(session, "output");
    case GroupBy::target:
      return byTarget(session);
    case GroupBy::label:
      return byLabel(session, settings.labels);
    case GroupBy::none:
      break;
  }
  return {};
}

}  // namespace heft
