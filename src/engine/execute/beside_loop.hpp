#pragma once

#include "engine/execute/executor.hpp"

namespace heft {

/// Some variants' outputs beside those of the plain loop.
class BesideLoop {
 public:
  /// `native`: the model runs in types of its own, not in float64.
  BesideLoop(Executor& loop, bool native) : loop_(loop), native_(native) {}

  /// The largest error of the first variant, of the one that moved the outputs most, and of `more` others: relative to the change
  /// (rms), beyond what rounding leaves of the outputs. `outputs`: [variants, samples, elements]; infinite where they are not
  /// numbers and the loop's are.
  [[nodiscard]] double worst(std::span<const Variant> variants, const at::Tensor& outputs, const at::Tensor& baseline,
                             size_t more) const;

 private:
  Executor& loop_;
  bool native_;
};

}  // namespace heft
