#pragma once

#include <cstdint>

namespace heft::kernels {

/// A product of few rows by a large matrix: y = x times the transpose of w, plus the bias, in float64. All row-major and dense.
/// The matrix is `w`, or `narrow` where that is given: the same values as floats, half the bytes to read.
struct FewRowProduct {
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  const double* x = nullptr;      ///< [rows, inputs]
  const double* w = nullptr;      ///< [outputs, inputs]
  const float* narrow = nullptr;  ///< [outputs, inputs], or null
  float* keep = nullptr;          ///< [outputs, inputs], or null: where w's values are written as floats on the way
  const double* bias = nullptr;   ///< [outputs], or null
  double* y = nullptr;            ///< [rows, outputs], written
};

/// Computes columns [begin, end) of y. Reads each row of w from memory once and copies none: libraries pack w first, which
/// takes longer than all else where rows are few. True unless a value that it kept is not the same as a float.
bool fewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end);

}  // namespace heft::kernels
