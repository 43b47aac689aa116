#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/weights/selection.hpp"
#include "model/structure.hpp"

namespace heft {

/// One number for each weight of a model: its row-major place in its parameter, parameters laid end to end.
class FlatWeights {
 public:
  explicit FlatWeights(const Structure& structure);

  struct Place {
    std::int64_t parameter = 0;
    std::int64_t index = 0;
  };
  [[nodiscard]] Place place(std::uint64_t flat) const;
  [[nodiscard]] std::uint64_t flat(std::int64_t parameter, std::int64_t index) const;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(offsets_.back()); }

 private:
  std::vector<std::uint64_t> offsets_;  ///< one more than there are parameters
};

/// The selected weights alone, numbered in order.
class SelectedWeights {
 public:
  SelectedWeights(const Structure& structure, const Selection& selection);

  /// By parameter: the selected places, ascending.
  [[nodiscard]] const std::vector<std::vector<std::int64_t>>& places() const { return places_; }
  /// The weight's number in FlatWeights.
  [[nodiscard]] std::uint64_t flat(std::size_t selected) const;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(offsets_.back()); }

 private:
  FlatWeights all_;
  std::vector<std::vector<std::int64_t>> places_;
  std::vector<std::uint64_t> offsets_;
};

}  // namespace heft
