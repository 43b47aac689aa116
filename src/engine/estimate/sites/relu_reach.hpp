#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <vector>

#include "engine/estimate/sites/relu_layer.hpp"

namespace heft {

/// How far what one unit emits takes the units that it reaches, each at its baseline slope: through its own layer, the layers
/// that read that one in either direction, and so on. The unit's own recurrence is left out of its first step, as in unit response.
struct ReluReach {
  struct Layer {
    const ReluLayer* layer;
    at::Tensor
        slope;  ///< float32 [rows, steps, units, starts]: pre-activation at a step by the emission at step `start`
    at::Tensor most;  ///< float32 [rows, steps, units]: sum of |slope| over starts
  };
  std::vector<Layer> layers;  ///< the unit's own first
};

/// The reaches of a layer's units, each made when it is first asked for and kept where all of them fit.
class ReluReaches {
 public:
  /// Before its adjoints are taken, nothing but `from`'s address is looked at.
  explicit ReluReaches(const ReluLayer& from) : from_(from) {}

  /// Of one unit; null where finding them would take too long, so that only the first units after it can be told.
  /// Thread-safe, once adjoints are taken.
  [[nodiscard]] std::shared_ptr<const ReluReach> of(int64_t unit) const;

 private:
  [[nodiscard]] std::vector<const ReluLayer*> reached() const;
  void plan() const;

  const ReluLayer& from_;
  mutable std::once_flag planned_;
  mutable bool possible_ = false, kept_ = false;
  struct Slot {
    std::once_flag made;
    std::shared_ptr<const ReluReach> reach;
  };
  mutable std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace heft
