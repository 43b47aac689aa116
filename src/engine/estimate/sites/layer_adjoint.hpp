#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/cells/recurrent_layer.hpp"
#include "engine/kernels/products/delta_product.hpp"

namespace heft {

/// Adjoints of a layer's run, many seeds at once. Undefined: zero. [seeds, …] each:
struct LayerAdjoints {
  at::Tensor sequence;  ///< [seeds, time, rows, inputs or emitted]
  at::Tensor hidden;    ///< [seeds, rows, hidden]
  at::Tensor carry;     ///< [seeds, rows, hidden]: LSTM, GRU (h itself, beside what was emitted)
};

/// What the adjoint of one run of a layer in one direction needs; weights count as constants.
///
/// The adjoint of a step is a product with the recurrent weights, [seeds x rows] rows at once, and a few multiplications a unit:
/// backpropagation through time (Werbos, Proceedings of the IEEE, 1990).
class LayerAdjoint {
 public:
  /// `own`: [gates x hidden], from a unit's emission to its own gates, left out of what `emission` sees.
  /// `input`, `recurrent` and `carry` as LayerHook::preActivations gets them, a tensor a step; `active` [time, rows, 1] or undefined.
  /// `device_code`: as SiteOptions'.
  LayerAdjoint(CellKind kind, const CellWeights& weights, const at::Tensor& own, const std::vector<at::Tensor>& input,
               const std::vector<at::Tensor>& recurrent, const std::vector<at::Tensor>& carry, const at::Tensor& active,
               bool device_code = false);

  struct Found {
    LayerAdjoints before;  ///< of what the layer reads: its sequence, and the states it starts from
    at::Tensor emission;   ///< [seeds, time, rows, hidden], of what each unit emits, as all others see it
  };
  /// `after`: adjoints of what the layer gives. `wants_input`: of its sequence too. In the weights' own type.
  [[nodiscard]] Found exactly(const LayerAdjoints& after, bool wants_input) const;
  /// The same in float32, below 1e-5 of them off (rms; mostly 1e-6), and many times faster. `rounded`: 1e-2 off, each seed by
  /// chance, and up to three times as fast where the processor multiplies bfloat16. Thread-safe.
  [[nodiscard]] Found quickly(const LayerAdjoints& after, bool wants_input, bool rounded = false) const;

 private:
  struct Floats;
  struct Products;
  struct ProductsOnce {
    std::once_flag once;
    std::shared_ptr<const Products> products;
  };
  struct DeviceFloats;
  const Floats& floats() const;
  const Products& products(ProductForm form) const;
  const DeviceFloats& deviceFloats() const;
  /// quickly() on a device: all seeds step by step together, the products by Torch.
  Found onDevice(const LayerAdjoints& after, bool wants_input) const;
  int64_t seedsOf(const LayerAdjoints& after) const;

  CellKind kind_;
  CellWeights weights_;
  int64_t steps_, rows_, hidden_;
  at::Tensor planes_;  ///< [time, rows, adjointPlanes, hidden]
  at::Tensor own_;     ///< [gates, hidden]
  at::Tensor active_;  ///< bool [time, rows, 1], or undefined: everywhere
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Floats> floats_;
  mutable std::array<ProductsOnce, 2> products_;  ///< by halves, and rounded
  bool device_code_;
  mutable std::shared_ptr<const DeviceFloats> device_floats_;
};

}  // namespace heft
