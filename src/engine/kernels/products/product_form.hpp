#pragma once

namespace heft {

/// How products of differences are taken.
enum class ProductForm {
  floats,  ///< in float32
  halves,  ///< as near by sums of products of bfloat16 halves, where the processor or device has units for them; else in float32
  /// Of numbers rounded to bfloat16 (2^-9 of each at most), in such units: up to three times as fast as by halves.
  rounded,
};

}  // namespace heft
