#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace heft {

/// Adjoints of a site's units, a set a seed: lambda [units, rows, seeds, points].
///
/// Where only the sum of squares over seeds counts, (lambda[s] de)^2 summed over s is de^T G de with G the sum of
/// lambda[s] lambda[s]^T, points x points, so a table of more seeds than points keeps its Gram matrices instead and hands back
/// as many rows as there are points, L^T of G = L L^T.
class LambdaTable {
 public:
  /// To be said before begin(): the first seeds are wanted as they are too (some(), fewer where Gram matrices are kept).
  void keepSome() { keeps_some_ = true; }
  /// To be said before begin(): the table lies on `device`, in the order that byPoints() tells.
  void keepByPoints(const at::Device& device) { by_points_ = device; }
  /// `squares`: only sums of squares over seeds count.
  void begin(int64_t units, int64_t rows, int64_t seeds, int64_t points, bool squares);
  /// Where seed `seed` is to be written, float32 [units, rows, points], zero. Seeds come in order.
  at::Tensor take(int64_t seed);
  /// All seeds are taken.
  void end();

  /// Seeds that are kept: those taken, or as many as there are points.
  [[nodiscard]] int64_t seeds() const { return gram_.defined() || factored_ ? points_ : seeds_; }
  /// float32 [units, rows, seeds(), points], once all are taken; contiguous and on the CPU, but after keepByPoints().
  [[nodiscard]] const at::Tensor& values() const { return values_; }
  /// After keepByPoints(), the same as float32 [units, rows, points, kernels::paddedSeeds(seeds())], contiguous.
  [[nodiscard]] const at::Tensor& byPoints() const { return storage_; }
  /// After keepSome(), the first seeds as they were taken: float32 [units, rows, some, points].
  [[nodiscard]] const at::Tensor& some() const { return some_.defined() ? some_ : values_; }

  /// True when `seeds` seeds of `points` points are kept as Gram matrices.
  static bool keepsGram(int64_t seeds, int64_t points, bool squares) { return squares && 2 * points < seeds; }
  /// Seeds that the values have at the end, of `taken`.
  static int64_t keptSeeds(int64_t taken, int64_t points, bool squares) {
    return keepsGram(taken, points, squares) ? points : taken;
  }
  /// Bytes that a table takes.
  [[nodiscard]] double bytes(int64_t units, int64_t rows, int64_t seeds, int64_t points, bool squares) const;

 private:
  void gather();
  [[nodiscard]] at::TensorOptions options() const;
  /// values_ becomes the first `seeds` of storage_'s seeds.
  void show(int64_t seeds);

  int64_t seeds_ = 0, points_ = 0, waiting_ = 0;
  bool factored_ = false, keeps_some_ = false;
  std::optional<at::Device> by_points_;
  at::Tensor storage_;  ///< of values_, where points stand before seeds
  at::Tensor values_;   ///< while seeds are taken: those that gram_ doesn't have yet
  at::Tensor some_;     ///< only beside Gram matrices
  at::Tensor gram_;     ///< float64 [units x rows, points, points]
};

}  // namespace heft
