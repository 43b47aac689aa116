#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"

// The head of a NumPy file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (versions
// 1 to 3).

namespace heft {

struct NpyHeader {
  Scalar scalar = Scalar::f32;   ///< what the elements are read as
  std::size_t elementBytes = 4;  ///< as they lie in the file
  bool widened = false;          ///< unsigned, wider than a byte: read as i64
  bool bigEndian = false;
  bool columnMajor = false;  ///< "fortran_order"
  std::vector<std::int64_t> shape;
  std::uint64_t dataOffset = 0;
};

/// Throws Error(file's fault) for anything else than an array of plain numbers, naming what it is.
[[nodiscard]] NpyHeader readNpyHeader(const InputFile& file);

/// The head that NumPy itself would write in front of this array, byte for byte; not of
/// bf16, which NumPy does not have.
[[nodiscard]] std::string makeNpyHeader(Scalar scalar, const std::vector<std::int64_t>& shape);

/// The same for elements of whatever kind, by NumPy's code: "<U16" for texts of 16 characters.
[[nodiscard]] std::string makeNpyHeader(const std::string& code, const std::vector<std::int64_t>& shape);

}  // namespace heft
