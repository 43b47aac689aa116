#pragma once

#include <cstdint>

namespace heft::kernels {

/// A product of few rows by a large matrix: y = x times the transpose of w, plus the bias. All row-major and dense, float64.
struct FewRowProduct {
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  const double* x = nullptr;     ///< [rows, inputs]
  const double* w = nullptr;     ///< [outputs, inputs]
  const double* bias = nullptr;  ///< [outputs], or null
  double* y = nullptr;           ///< [rows, outputs], written
};

/// Computes columns [begin, end) of y. Reads each row of w from memory once and copies none: libraries pack w first, which
/// takes longer than all else where rows are few.
void fewRowProduct(const FewRowProduct& product, std::int64_t begin, std::int64_t end);

}  // namespace heft::kernels
