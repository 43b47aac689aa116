#include "data/tensor_file.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include "data/little_endian.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
double halfToDouble(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  double magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

/// bfloat16 is the upper half of a binary32.
double bfloatToDouble(std::uint16_t bits) {
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U));
}

template <typename T, typename Convert>
std::vector<double> convertAll(std::span<const std::byte> bytes, Convert convert) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert(loadLittle<T>(bytes, i * sizeof(T)));
  return values;
}

template <typename T>
std::vector<double> castAll(std::span<const std::byte> bytes) {
  return convertAll<T>(bytes, [](T value) { return static_cast<double>(value); });
}

template <typename T>
StoredTensor storeValues(std::string name, Scalar scalar, std::vector<std::int64_t> shape, std::span<const T> values) {
  StoredTensor tensor{std::move(name), scalar, std::move(shape), {}};
  tensor.bytes = allocateBytes(values.size_bytes(), tensor.name);
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
  checkComplete(viewOf(tensor));
  return tensor;
}

template <typename T>
std::optional<std::vector<std::byte>> widenFrom(std::span<const std::byte> bytes) {
  const std::size_t count = bytes.size() / sizeof(T);
  std::vector<std::byte> out = allocateBytes(count * sizeof(std::int64_t), "integers widened to int64");
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t value = loadLittle<T>(bytes, i * sizeof(T));
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    std::memcpy(out.data() + i * sizeof(value), &value, sizeof(value));
  }
  return out;
}

}  // namespace

std::size_t scalarBytes(Scalar scalar) {
  switch (scalar) {
    case Scalar::boolean:
    case Scalar::u8:
    case Scalar::i8:
      return 1;
    case Scalar::i16:
    case Scalar::f16:
    case Scalar::bf16:
      return 2;
    case Scalar::i32:
    case Scalar::f32:
      return 4;
    case Scalar::i64:
    case Scalar::f64:
    case Scalar::c64:
      return 8;
    case Scalar::c128:
      return 16;
  }
  throw Error(Fault::internal, "scalarBytes: unknown scalar");
}

std::string_view scalarName(Scalar scalar) {
  switch (scalar) {
    case Scalar::boolean:
      return "bool";
    case Scalar::u8:
      return "uint8";
    case Scalar::i8:
      return "int8";
    case Scalar::i16:
      return "int16";
    case Scalar::i32:
      return "int32";
    case Scalar::i64:
      return "int64";
    case Scalar::f16:
      return "float16";
    case Scalar::bf16:
      return "bfloat16";
    case Scalar::f32:
      return "float32";
    case Scalar::f64:
      return "float64";
    case Scalar::c64:
      return "complex64";
    case Scalar::c128:
      return "complex128";
  }
  throw Error(Fault::internal, "scalarName: unknown scalar");
}

TensorView viewOf(const StoredTensor& tensor) { return {tensor.name, tensor.scalar, tensor.shape, tensor.bytes}; }

std::vector<TensorView> viewsOf(const std::vector<StoredTensor>& tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) views.push_back(viewOf(tensor));
  return views;
}

std::optional<std::uint64_t> byteCount(std::size_t elementBytes, std::span<const std::int64_t> shape) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t product = elementBytes;
  bool none = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    none = none || size == 0;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (factor > largest / product) return std::nullopt;
    product *= factor;
  }
  return none ? 0 : product;
}

std::string shapeText(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

void checkComplete(const TensorView& tensor) {
  const std::optional<std::uint64_t> expected = byteCount(scalarBytes(tensor.scalar), tensor.shape);
  if (!expected || *expected != tensor.bytes.size()) {
    throw Error(Fault::internal, "tensor " + tensor.name + " of shape " + shapeText(tensor.shape) + " and type " +
                                     std::string(scalarName(tensor.scalar)) + " holds " +
                                     std::to_string(tensor.bytes.size()) + " bytes");
  }
}

std::vector<double> asDoubles(const StoredTensor& tensor) {
  switch (tensor.scalar) {
    case Scalar::boolean:
    case Scalar::u8:
      return castAll<std::uint8_t>(tensor.bytes);
    case Scalar::i8:
      return castAll<std::int8_t>(tensor.bytes);
    case Scalar::i16:
      return castAll<std::int16_t>(tensor.bytes);
    case Scalar::i32:
      return castAll<std::int32_t>(tensor.bytes);
    case Scalar::i64:
      return castAll<std::int64_t>(tensor.bytes);
    case Scalar::f16:
      return convertAll<std::uint16_t>(tensor.bytes, halfToDouble);
    case Scalar::bf16:
      return convertAll<std::uint16_t>(tensor.bytes, bfloatToDouble);
    case Scalar::f32:
      return castAll<float>(tensor.bytes);
    case Scalar::f64:
      return castAll<double>(tensor.bytes);
    case Scalar::c64:
    case Scalar::c128:
      break;
  }
  throw Error(Fault::internal, "asDoubles: unknown scalar");
}

StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  return storeValues(std::move(name), Scalar::f32, std::move(shape), values);
}
StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape, std::span<const double> values) {
  return storeValues(std::move(name), Scalar::f64, std::move(shape), values);
}
StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape, std::span<const std::uint8_t> values) {
  return storeValues(std::move(name), Scalar::u8, std::move(shape), values);
}
StoredTensor storeTensor(std::string name, std::vector<std::int64_t> shape, std::span<const std::int64_t> values) {
  return storeValues(std::move(name), Scalar::i64, std::move(shape), values);
}

std::optional<std::vector<std::byte>> widenUnsigned(std::span<const std::byte> bytes, std::size_t width) {
  switch (width) {
    case 2:
      return widenFrom<std::uint16_t>(bytes);
    case 4:
      return widenFrom<std::uint32_t>(bytes);
    case 8:
      return widenFrom<std::uint64_t>(bytes);
    default:
      throw Error(Fault::internal, "widenUnsigned: no integer has " + std::to_string(width) + " bytes");
  }
}

void normaliseBooleans(std::span<std::byte> bytes) {
  for (std::byte& value : bytes) value = value == std::byte{0} ? std::byte{0} : std::byte{1};
}

std::vector<std::byte> allocateBytes(std::uint64_t count, const std::string& what) {
  const auto tooMuch = [&] {
    return Error(Fault::memory, what + " needs " + std::to_string(count) +
                                    " bytes of memory, more than there is; use a smaller file or a larger machine");
  };
  try {
    return std::vector<std::byte>(count);
  } catch (const std::bad_alloc&) {
    throw tooMuch();
  } catch (const std::length_error&) {
    throw tooMuch();
  }
}

}  // namespace heft
