#include "data/tensor_file.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;

StoredTensor ofBits(Scalar scalar, std::span<const std::uint16_t> bits) {
  StoredTensor tensor{"t", scalar, {static_cast<std::int64_t>(bits.size())}, {}};
  const auto bytes = std::as_bytes(bits);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

TEST(TensorFile, ByteCountMultipliesTheSizes) {
  const std::int64_t shape[] = {2, 3, 5};
  EXPECT_EQ(byteCount(4, shape), 120U);
  EXPECT_EQ(byteCount(8, {}), 8U);
  const std::int64_t none[] = {2, 0, 5};
  EXPECT_EQ(byteCount(4, none), 0U);
}

TEST(TensorFile, ByteCountRefusesNegativeAndOverflowingShapes) {
  const std::int64_t negative[] = {2, -1};
  const std::int64_t large[] = {std::int64_t{1} << 31, std::int64_t{1} << 31};
  const std::int64_t hidden[] = {0, std::int64_t{1} << 40, std::int64_t{1} << 40};
  EXPECT_FALSE(byteCount(1, negative));
  EXPECT_EQ(byteCount(1, large), std::uint64_t{1} << 62);
  EXPECT_FALSE(byteCount(2, large));
  EXPECT_FALSE(byteCount(1, hidden)) << "strides of an empty tensor overflow too";
}

TEST(TensorFile, HalvesBecomeTheirExactValues) {
  const std::uint16_t bits[] = {0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00,
                                0xc000, 0x3555, 0x7bff, 0x7c00, 0xfc00, 0x7e00};
  const std::vector<double> values = asDoubles(ofBits(Scalar::f16, bits));
  EXPECT_EQ(values[0], 0);
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_EQ(values[2], std::ldexp(1, -24));
  EXPECT_EQ(values[3], std::ldexp(1023, -24));
  EXPECT_EQ(values[4], std::ldexp(1, -14));
  EXPECT_EQ(values[5], 1);
  EXPECT_EQ(values[6], -2);
  EXPECT_EQ(values[7], 0.333251953125);
  EXPECT_EQ(values[8], 65504);
  EXPECT_EQ(values[9], std::numeric_limits<double>::infinity());
  EXPECT_EQ(values[10], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(values[11]));
}

TEST(TensorFile, BfloatsBecomeTheirExactValues) {
  const std::uint16_t bits[] = {0x3f80, 0xc040, 0x0001, 0x7f80};
  const std::vector<double> expected = {1, -3, std::ldexp(1, -133), std::numeric_limits<double>::infinity()};
  EXPECT_EQ(asDoubles(ofBits(Scalar::bf16, bits)), expected);
}

TEST(TensorFile, StoredValuesComeBack) {
  const std::vector<float> floats = {1.5F, -2, 0.1F};
  const std::vector<std::int64_t> wholes = {-5, 7};
  EXPECT_EQ(asDoubles(storeTensor("f", {3}, floats)), (std::vector<double>{1.5, -2, static_cast<double>(0.1F)}));
  EXPECT_EQ(asDoubles(storeTensor("i", {2, 1}, wholes)), (std::vector<double>{-5, 7}));
}

TEST(TensorFile, StoringTheWrongNumberOfValuesIsADefect) {
  const std::vector<float> floats = {1, 2, 3};
  const std::string text = errorOf([&] { (void)storeTensor("f", {2, 2}, floats); }, Fault::internal);
  EXPECT_NE(text.find("[2, 2]"), std::string::npos) << text;
}

TEST(TensorFile, WideningKeepsTheLargestAndRefusesWhatInt64CantHold) {
  const std::uint64_t fits[] = {0, (std::uint64_t{1} << 63) - 1};
  const std::uint64_t tooLarge[] = {0, std::uint64_t{1} << 63};
  const auto wide = widenUnsigned(std::as_bytes(std::span(fits)), 8);
  ASSERT_TRUE(wide);
  EXPECT_EQ(std::memcmp(wide->data(), fits, sizeof(fits)), 0);
  EXPECT_FALSE(widenUnsigned(std::as_bytes(std::span(tooLarge)), 8));
}

TEST(TensorFile, MemoryThatIsNotThereIsAnErrorThatSaysHowMuch) {
  const std::string text = errorOf([] { (void)allocateBytes(std::uint64_t{1} << 62, "the array"); }, Fault::memory);
  EXPECT_NE(text.find("the array needs 4611686018427387904 bytes"), std::string::npos) << text;
}

}  // namespace
}  // namespace heft
