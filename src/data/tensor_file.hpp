#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heft {

/// What one element is. Wider unsigned integers are read as i64, which LibTorch computes with.
enum class Scalar { boolean, u8, i8, i16, i32, i64, f16, bf16, f32, f64, c64, c128 };

[[nodiscard]] std::size_t scalarBytes(Scalar scalar);
/// As PyTorch and NumPy call it: "float32", "int64", "bool".
[[nodiscard]] std::string_view scalarName(Scalar scalar);

/// One named array as files hold it: row-major, little endian, `bytes.size()` = product of shape x
/// scalarBytes. Booleans are 0 or 1. A shape of no dimensions is one number.
struct StoredTensor {
  std::string name;
  Scalar scalar = Scalar::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

/// The same without owning the bytes, so that large arrays are written from where they lie.
struct TensorView {
  std::string name;
  Scalar scalar = Scalar::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

[[nodiscard]] TensorView viewOf(const StoredTensor& tensor);
TensorView viewOf(StoredTensor&&) = delete;
[[nodiscard]] std::vector<TensorView> viewsOf(const std::vector<StoredTensor>& tensors);
std::vector<TensorView> viewsOf(std::vector<StoredTensor>&&) = delete;

/// Bytes that a shape takes, or nothing where a size is negative or the product leaves the range of int64
/// even with sizes of 0 taken as 1 (strides would overflow).
[[nodiscard]] std::optional<std::uint64_t> byteCount(std::size_t elementBytes, std::span<const std::int64_t> shape);

/// "[2, 3]".
[[nodiscard]] std::string shapeText(std::span<const std::int64_t> shape);

/// Throws Error(Fault::internal) where the bytes are not as many as shape and scalar need.
void checkComplete(const TensorView& tensor);

/// All elements as double, in row-major order; exact but for int64 beyond 2^53. Throws Error(Fault::internal) for complex ones.
[[nodiscard]] std::vector<double> asDoubles(const StoredTensor& tensor);

[[nodiscard]] StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape,
                                       std::span<const float> values);
[[nodiscard]] StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape,
                                       std::span<const double> values);
[[nodiscard]] StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape,
                                       std::span<const std::uint8_t> values);
[[nodiscard]] StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape,
                                       std::span<const std::int64_t> values);

/// Little-endian unsigned integers of `width` 2, 4 or 8 bytes as int64; nothing where one is above 2^63 - 1.
[[nodiscard]] std::optional<std::vector<std::byte>> widenUnsigned(std::span<const std::byte> bytes, std::size_t width);

/// Makes every byte 0 or 1: other values in a bool are undefined behaviour downstream.
void normaliseBooleans(std::span<std::byte> bytes);

/// Zeroed memory; throws Error(Fault::memory) naming `what` and the amount where there is not enough.
[[nodiscard]] std::vector<std::byte> allocateBytes(std::uint64_t count, const std::string& what);

}  // namespace heft
