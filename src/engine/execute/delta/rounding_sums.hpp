#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "engine/execute/delta/rounding_table.hpp"
#include "engine/kernels/products/workspace.hpp"

namespace heft {

/// What the roundings of a layer's run took from the outputs, summed up for each slot of it.
class RoundingSums {
 public:
  static constexpr size_t kPlaces = 2;  ///< of a workspace

  RoundingSums() = default;
  /// Zeros for `slots` slots, in `workspace`'s places from `place` on.
  RoundingSums(int64_t slots, int64_t samples, int64_t columns, Workspace& workspace, size_t place);

  [[nodiscard]] bool defined() const { return sums_.defined(); }
  /// Adds what one product of `prepared`, bfloat16 [room, 2, half] as DeltaProduct::prepare() gives it, took from the first slots:
  /// slot i is row `rows[i]`, of sample rows[i] % samples. `table` has pairs.
  void add(const RoundingTable& table, int64_t step, const at::Tensor& prepared, std::span<const int64_t> rows);
  /// By row: float32 [as many rows as slots, columns]; slot i is row `rows[i]`, and rows without a slot are 0.
  [[nodiscard]] at::Tensor byRow(std::span<const int64_t> rows) const;

 private:
  int64_t samples_ = 0;
  at::Tensor sums_;  ///< [slots, columns]
  at::Tensor some_;  ///< [rows that are multiplied together, columns]
};

}  // namespace heft
