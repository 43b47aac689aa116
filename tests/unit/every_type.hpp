#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "data/tensor_file.hpp"

// The table that tests/data/make_files.py writes in every type.

namespace heft::test {

struct ExpectedTensor {
  Scalar scalar;
  std::vector<double> values;
};

inline std::map<std::string, ExpectedTensor> everyType() {
  const auto whole = [](double lowest, double highest) { return std::vector<double>{lowest, 1, 2, 3, 4, highest}; };
  const auto real = [](double third, double highest) {
    return std::vector<double>{-1.5, -0.25, 0, third, 1024, highest};
  };
  constexpr double big = 9223372036854775808.0;  // 2^63; the file holds 2^63 - 1, which rounds to it
  return {{"bool", {Scalar::boolean, {1, 0, 1, 0, 0, 1}}},
          {"int8", {Scalar::i8, whole(-128, 127)}},
          {"int16", {Scalar::i16, whole(-32768, 32767)}},
          {"int32", {Scalar::i32, whole(-2147483648.0, 2147483647.0)}},
          {"int64", {Scalar::i64, whole(-big, big)}},
          {"uint8", {Scalar::u8, whole(0, 255)}},
          {"uint16", {Scalar::i64, whole(0, 65535)}},
          {"uint32", {Scalar::i64, whole(0, 4294967295.0)}},
          {"uint64", {Scalar::i64, whole(0, big)}},
          {"float16", {Scalar::f16, real(0.333251953125, 65504)}},
          {"float32", {Scalar::f32, real(static_cast<double>(1.0F / 3), std::numeric_limits<float>::max())}},
          {"float64", {Scalar::f64, real(1.0 / 3, std::numeric_limits<double>::max())}}};
}

inline const StoredTensor& named(const std::vector<StoredTensor>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  if (found == tensors.end()) throw std::runtime_error("no tensor " + name);
  return *found;
}

inline void expectEveryType(const std::vector<StoredTensor>& tensors) {
  for (const auto& [name, expected] : everyType()) {
    const StoredTensor& tensor = named(tensors, name);
    EXPECT_EQ(scalarName(tensor.scalar), scalarName(expected.scalar)) << name;
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2, 3})) << name;
    EXPECT_EQ(asDoubles(tensor), expected.values) << name;
  }
}

}  // namespace heft::test
