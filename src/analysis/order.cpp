#include "analysis/order.hpp"

#include <algorithm>
#include <array>
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

struct LongKeyedPlace {
  std::uint64_t key;
  std::uint32_t place;
};
template <class Value>
using Keyed = std::conditional_t<sizeof(Value) == 4, KeyedPlace, LongKeyedPlace>;

template <class Item>
void sortByDigit(std::vector<Item>& from, std::vector<Item>& to, unsigned shift) {
  const auto digitOf = [shift](const Item& each) { return static_cast<std::size_t>(each.key >> shift) & (digits - 1); };
  std::array<std::size_t, digits> begins{};
  for (const Item& each : from) ++begins[digitOf(each)];
  if (begins[digitOf(from.front())] == from.size()) return;  // all alike
  std::exclusive_scan(begins.begin(), begins.end(), begins.begin(), std::size_t{0});
  for (const Item& each : from) to[begins[digitOf(each)]++] = each;
  from.swap(to);
}

template <class Item>
void sortByKey(std::vector<Item>& items) {
  if (items.size() < fewValues) {
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return;
  }
  std::vector<Item> buffer(items.size());
  for (unsigned shift = 0; shift < 8 * sizeof(Item::key); shift += digitBits) sortByDigit(items, buffer, shift);
}

void requireFew(std::size_t values) {
  if (values > std::numeric_limits<std::uint32_t>::max())
    throw Error(Fault::internal, std::to_string(values) + " values are too many to sort at once");
}

template <class Value>
std::vector<std::uint32_t> order(std::span<const Value> values, std::vector<std::uint32_t> places) {
  requireFew(values.size());
  if (places.empty()) {
    places.resize(values.size());
    std::iota(places.begin(), places.end(), 0U);
  }
  std::vector<Keyed<Value>> keyed;
  keyed.reserve(places.size());
  for (const std::uint32_t place : places) keyed.push_back({orderKey(values[place]), place});
  sortByKey(keyed);
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

std::vector<KeyedPlace> ascendingKeys(std::span<const float> values) {
  requireFew(values.size());
  std::vector<KeyedPlace> keyed;
  keyed.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) keyed.push_back({orderKey(values[i]), static_cast<std::uint32_t>(i)});
  sortByKey(keyed);
  return keyed;
}

}  // namespace heft
