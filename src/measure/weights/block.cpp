#include "measure/weights/block.hpp"

#include <algorithm>
#include <charconv>

#include "data/printable.hpp"
#include "heft/error.hpp"
#include "model/weight_label.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::usage, what); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Reads the slices of one parameter; knows how to complain.
class SliceReader {
 public:
  SliceReader(std::string_view places, const ParameterInfo& parameter)
      : whole_(parameter.name + "[" + printable(places) + "]: "), matrix_form_(parameter.shape.size() <= 2) {}

  [[nodiscard]] Slice read(std::string_view item, std::int64_t size, std::size_t dim) const {
    const auto parts = split(item, ':');
    if (parts.size() > 3) refuseItem(item);
    if (parts.size() == 1) {
      const auto number = integer(item, item);
      if (!number) refuseItem(item);
      const std::int64_t place = *number < 0 ? *number + size : *number;
      if (place < 0 || place >= size)
        refuse(whole_ + printable(item) + " is out of range; there are " + sizeOf(size, dim) + ", counted from 0");
      return {place, place + 1, 1, true};
    }
    Slice slice{bound(parts[0], item, size, dim).value_or(0), bound(parts[1], item, size, dim).value_or(size)};
    if (parts.size() == 3) slice.step = integer(parts[2], item).value_or(1);
    if (slice.step < 1)
      refuse(whole_ + "the step of '" + printable(item) + "' is " + std::to_string(slice.step) +
             ", it must be 1 or more");
    if (slice.first >= slice.end)
      refuse(whole_ + "'" + printable(item) + "' holds nothing; there are " + sizeOf(size, dim));
    slice.step = std::min(slice.step, size);
    slice.end = slice.first + (slice.count() - 1) * slice.step + 1;
    if (slice.count() == 1) {
      slice.step = 1;
      slice.single = size > 1;
    }
    return slice;
  }

  void setMatrixForm() { matrix_form_ = true; }
  [[nodiscard]] const std::string& whole() const { return whole_; }

 private:
  [[noreturn]] void refuseItem(std::string_view item) const {
    refuse(whole_ + "'" + printable(item) + "' is no index; a number or a range such as 0:16 was expected");
  }

  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view text, std::string_view item) const {
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) refuseItem(item);
    return value;
  }

  [[nodiscard]] std::optional<std::int64_t> bound(std::string_view text, std::string_view item, std::int64_t size,
                                                  std::size_t dim) const {
    const auto number = integer(text, item);
    if (!number) return number;
    const std::int64_t place = *number < 0 ? *number + size : *number;
    if (place < 0 || place > size)
      refuse(whole_ + "'" + printable(item) + "' is out of range; there are " + sizeOf(size, dim) + ", counted from 0");
    return place;
  }

  [[nodiscard]] std::string sizeOf(std::int64_t size, std::size_t dim) const {
    if (matrix_form_) return std::to_string(size) + (dim == 0 ? " rows" : " columns");
    return std::to_string(size) + " places in dimension " + std::to_string(dim);
  }

  std::string whole_;
  bool matrix_form_;
};

/// From a slice for each of three or more dimensions to rows and columns, where these can say it.
void toMatrixForm(Block& block) {
  const auto others = [&](const auto& holds) {
    for (std::size_t d = 1; d < block.dims.size(); ++d) {
      if (!holds(d)) return false;
    }
    return true;
  };
  std::int64_t columns = 1, column = 0;
  for (std::size_t d = 1; d < block.dims.size(); ++d) {
    columns *= block.dims[d];
    column = column * block.dims[d] + block.slices[d].first;
  }
  Slice slice;
  if (others([&](std::size_t d) { return block.full(d); })) {
    slice = {0, columns, 1, false};
  } else if (others([&](std::size_t d) { return block.slices[d].count() == 1; })) {
    slice = {column, column + 1, 1, true};
  } else {
    return;
  }
  block.dims = {block.dims[0], columns};
  block.slices = {block.slices[0], slice};
}

}  // namespace

bool Block::full(std::size_t dim) const {
  const Slice& slice = slices[dim];
  return !slice.single && slice.count() == dims[dim];
}

std::vector<std::int64_t> Block::places() const {
  std::vector<std::int64_t> flat{0};
  std::vector<std::int64_t> longer;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    longer.clear();
    longer.reserve(flat.size() * static_cast<std::size_t>(slices[d].count()));
    for (const std::int64_t begin : flat) {
      for (std::int64_t i = slices[d].first; i < slices[d].end; i += slices[d].step)
        longer.push_back(begin * dims[d] + i);
    }
    flat.swap(longer);
  }
  return flat;
}

NameAndPlaces splitPlaces(std::string_view text) {
  const std::size_t open = text.find('[');
  if (open == std::string_view::npos && text.find(']') == std::string_view::npos) return {text, std::nullopt};
  if (open == std::string_view::npos || text.find(']') != text.size() - 1)
    refuse("'" + printable(text) + "': brackets behind a name must open once and close at the end, as in name[0:16,:]");
  return {text.substr(0, open), text.substr(open + 1, text.size() - open - 2)};
}

Block parseBlock(std::string_view places, const ParameterInfo& parameter) {
  const auto items = split(places, ',');
  const auto& shape = parameter.shape;
  SliceReader reader(places, parameter);
  Block block;
  if (items.size() <= 2) {
    block.dims = {parameter.rows(), parameter.columns()};
    reader.setMatrixForm();
  } else if (items.size() == shape.size()) {
    block.dims = shape;
  } else {
    refuse(reader.whole() + std::to_string(items.size()) + " indices were found; it takes " +
           (shape.size() > 2 ? std::to_string(shape.size()) + ", or " : "") + "2 for rows and columns, or 1 for rows");
  }
  for (std::size_t d = 0; d < items.size(); ++d) block.slices.push_back(reader.read(items[d], block.dims[d], d));
  if (items.size() == 1) block.slices.push_back({0, block.dims[1], 1, false});
  if (block.dims.size() > 2) toMatrixForm(block);
  if (shape.size() < 2) {
    block.dims.resize(1);
    block.slices.resize(1);
  }
  return block;
}

std::string blockName(const ParameterInfo& parameter, const Block& block) {
  bool whole = true, one = true;
  for (std::size_t d = 0; d < block.dims.size(); ++d) {
    whole = whole && block.full(d);
    one = one && block.slices[d].single;
  }
  if (whole) return parameter.name;
  if (one) return weightLabel(parameter, block.places().front());
  std::string text = parameter.name;
  for (std::size_t d = 0; d < block.dims.size(); ++d) {
    const Slice& slice = block.slices[d];
    text += d == 0 ? "[" : ",";
    if (slice.single) {
      text += std::to_string(slice.first);
    } else if (block.full(d)) {
      text += ":";
    } else {
      text += std::to_string(slice.first) + ":" + std::to_string(slice.end);
      if (slice.step > 1) text += ":" + std::to_string(slice.step);
    }
  }
  return text + "]";
}

}  // namespace heft
