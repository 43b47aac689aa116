#include "measure/weights/flat_weights.hpp"

#include <algorithm>

namespace heft {
namespace {

std::size_t parameterOf(const std::vector<std::uint64_t>& offsets, std::uint64_t flat) {
  return static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), flat) - offsets.begin()) - 1;
}

}  // namespace

FlatWeights::FlatWeights(const Structure& structure) : offsets_{0} {
  for (const auto& info : structure.parameters)
    offsets_.push_back(offsets_.back() + static_cast<std::uint64_t>(info.weights()));
}

FlatWeights::Place FlatWeights::place(std::uint64_t flat) const {
  const auto parameter = parameterOf(offsets_, flat);
  return {static_cast<std::int64_t>(parameter), static_cast<std::int64_t>(flat - offsets_[parameter])};
}

std::uint64_t FlatWeights::flat(std::int64_t parameter, std::int64_t index) const {
  return offsets_[static_cast<std::size_t>(parameter)] + static_cast<std::uint64_t>(index);
}

SelectedWeights::SelectedWeights(const Structure& structure, const Selection& selection)
    : all_(structure), offsets_{0} {
  for (const auto& mask : selection.mask) {
    places_.emplace_back();
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] != 0) places_.back().push_back(static_cast<std::int64_t>(i));
    }
    offsets_.push_back(offsets_.back() + places_.back().size());
  }
}

std::uint64_t SelectedWeights::flat(std::size_t selected) const {
  const auto parameter = parameterOf(offsets_, selected);
  return all_.flat(static_cast<std::int64_t>(parameter), places_[parameter][selected - offsets_[parameter]]);
}

}  // namespace heft
