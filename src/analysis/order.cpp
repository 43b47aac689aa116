#include "analysis/order.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr unsigned digitBits = 11;
constexpr std::size_t digits = std::size_t{1} << digitBits;
constexpr std::size_t fewValues = 2048;  ///< below about this, comparing is faster than counting

template <class Key>
struct Keyed {
  Key key;
  std::uint32_t place;
};

/// Unsigned numbers in the order of the floating-point values: the sign bit flipped, all bits of negative
/// ones.
template <class Key, class Value>
Key keyOf(Value value) {
  constexpr Key sign = Key{1} << (8 * sizeof(Key) - 1);
  const auto bits = std::bit_cast<Key>(value + Value{0});  // makes -0 into 0
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

template <class Key>
void sortByDigit(std::vector<Keyed<Key>>& from, std::vector<Keyed<Key>>& to, unsigned shift) {
  const auto digitOf = [shift](const Keyed<Key>& each) {
    return static_cast<std::size_t>(each.key >> shift) & (digits - 1);
  };
  std::array<std::size_t, digits> begins{};
  for (const Keyed<Key>& each : from) ++begins[digitOf(each)];
  if (begins[digitOf(from.front())] == from.size()) return;  // all alike
  std::exclusive_scan(begins.begin(), begins.end(), begins.begin(), std::size_t{0});
  for (const Keyed<Key>& each : from) to[begins[digitOf(each)]++] = each;
  from.swap(to);
}

template <class Value>
std::vector<std::uint32_t> order(std::span<const Value> values, std::vector<std::uint32_t> places) {
  using Key = std::conditional_t<sizeof(Value) == 4, std::uint32_t, std::uint64_t>;
  if (values.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(Fault::internal, std::to_string(values.size()) + " values are too many to sort at once");
  if (places.empty()) {
    places.resize(values.size());
    std::iota(places.begin(), places.end(), 0U);
  }
  std::vector<Keyed<Key>> keyed;
  keyed.reserve(places.size());
  for (const std::uint32_t place : places) keyed.push_back({keyOf<Key>(values[place]), place});
  if (keyed.size() < fewValues) {
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  } else {
    std::vector<Keyed<Key>> buffer(keyed.size());
    for (unsigned shift = 0; shift < 8 * sizeof(Key); shift += digitBits) sortByDigit(keyed, buffer, shift);
  }
  std::transform(keyed.begin(), keyed.end(), places.begin(), [](const auto& each) { return each.place; });
  return places;
}

}  // namespace

std::vector<std::uint32_t> ascendingOrder(std::span<const float> values, std::vector<std::uint32_t> places) {
  return order(values, std::move(places));
}

std::vector<std::uint32_t> ascendingOrder(std::span<const double> values, std::vector<std::uint32_t> places) {
  return order(values, std::move(places));
}

}  // namespace heft
