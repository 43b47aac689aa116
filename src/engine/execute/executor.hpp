#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/execute/delta/emission_adjoints.hpp"
#include "engine/forward/runner.hpp"
#include "engine/forward/variant.hpp"
#include "engine/kernels/products/product_form.hpp"
#include "engine/outputs/layout.hpp"

namespace heft {

/// Takes the outputs of variants `first` … `first + n - 1`: float64 [n, samples, elements] by the layout
/// given. May throw to stop; the model is then as it was.
using ReceiveOutputs = std::function<void(size_t first, const at::Tensor& outputs)>;

/// Runs variants of a model. Whatever happens, every weight is back in place afterwards.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Executes all variants, in chunks that depend on the list and the memory limit alone, received in order.
  virtual void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) = 0;

  /// Decides now how variants that change the same parameters as these are executed, where that depends on what is tried. Without
  /// it, the first variants that come decide, and whoever executes others first may get other last bits: runs that must agree in
  /// every bit prepare on the same variants in the same order before they execute. From the first call's end on, later tries
  /// decide on variants of their own kind alone.
  virtual void prepare(std::span<const Variant> /*variants*/) {}

  /// How many of its caller's blocks of variants are best given to it at once.
  [[nodiscard]] virtual size_t together() const { return 1; }

  /// Sentences for people: what could not be done the fast way, and why.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

/// One variant after the other: changed in place, run, restored. The truth that everything else is compared
/// with.
std::unique_ptr<Executor> makeLoopExecutor(Runner& runner, const OutputLayout& layout);

struct BatchOptions {
  int64_t memory = 0;  ///< bytes that a chunk's changed activations may take, about; 0: see chunkLimits()
  int64_t rows = 0;    ///< variants x samples of a chunk, at most; 0: see chunkLimits()
  /// Of differences. Halves are left for float32 where an impact is off by more than 1e-5 of it, rounded numbers for halves
  /// where one is off by more than 2 %.
  ProductForm products = ProductForm::halves;
  /// Takes the adjoints that give back to first order what rounding takes; none: nothing is given back.
  std::function<std::vector<EmissionAdjoints>(Runner&, const OutputLayout&)> adjoints = nullptr;
  /// What variants leave out of recurrent outputs, since forward doesn't read it, is NaN: for tests.
  bool spoil_unread = false;
  /// Differences are carried by a CUDA device's code wherever the model is: for tests.
  bool as_device = false;
};

/// Many variants a run of forward, where the model allows; the loop elsewhere.
std::unique_ptr<Executor> makeBatchExecutor(Runner& runner, const OutputLayout& layout,
                                            const BatchOptions& options = {});

}  // namespace heft
