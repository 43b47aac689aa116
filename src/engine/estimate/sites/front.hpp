#pragma once

#include <ATen/core/Tensor.h>

#include "engine/estimate/sites/recurrent_site.hpp"

namespace heft {

/// Recurrent layers that read what an operator gives, position by position. The operator's adjoint takes their units as
/// linear; since a change of one of its features reaches every unit at once, that is where a front's estimate is worst.
/// The bend of each unit, its own recurrence included, mends it; between the units it stays linear.
class Front {
 public:
  /// `positions` int64 [time, rows], in the order of the reader's steps: which row of the operator's output, seen as
  /// [positions, width], the layer reads there; -1 for none. Before the first seed.
  void addReader(RecurrentSite& site, const at::Tensor& positions);

  struct Reader {
    RecurrentSite* site = nullptr;
    at::Tensor position;  ///< int64 [rows, steps]
    at::Tensor present;   ///< uint8 [rows, steps]
  };
  [[nodiscard]] const std::vector<Reader>& readers() const { return readers_; }

  /// Seeds that every reader can serve; after endSeeds(). 0 where there is none, or where a reader goes on in further calls,
  /// whose own operators would each be told apart from the others.
  [[nodiscard]] int64_t seeds() const;
  /// Whether `changes`, how many columns change in how many of the readers' rows together, are worth their time beside
  /// the readers' own weights. After seeds() > 0.
  [[nodiscard]] bool worthwhile(double changes) const;

 private:
  std::vector<Reader> readers_;
};

}  // namespace heft
