#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace heft {

/// Unsigned numbers in the order of the floating-point values, equal where they are (0 and -0 too): the sign bit flipped, all bits
/// of negative ones.
template <class Value>
[[nodiscard]] auto orderKey(Value value) {
  using Key = std::conditional_t<sizeof(Value) == 4, std::uint32_t, std::uint64_t>;
  constexpr Key sign = Key{1} << (8 * sizeof(Key) - 1);
  const auto bits = std::bit_cast<Key>(value + Value{0});  // makes -0 into 0
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

/// The places of all values, smallest value first; equal values (0 and -0 too) keep the order that `places`
/// has, which is 0, 1, 2, … where it is empty. Linear: a radix sort, since rankings of 14 million weights are
/// sorted several times a run. No value may be NaN; throws Error(Fault::internal) for 2^32 values and more.
[[nodiscard]] std::vector<std::uint32_t> ascendingOrder(std::span<const float> values,
                                                        std::vector<std::uint32_t> places = {});
[[nodiscard]] std::vector<std::uint32_t> ascendingOrder(std::span<const double> values,
                                                        std::vector<std::uint32_t> places = {});

/// A value's place, and a number that orders as the values do and is equal where they are.
struct KeyedPlace {
  std::uint32_t key, place;
};
/// The same order, of places 0, 1, 2, …, without a look back at the values to tell which are equal.
[[nodiscard]] std::vector<KeyedPlace> ascendingKeys(std::span<const float> values);

}  // namespace heft
