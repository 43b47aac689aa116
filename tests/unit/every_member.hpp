#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "run/stored/run.hpp"
#include "run/stored/shard.hpp"

// Whether two structs agree in every member, and whether examples leave no member at its default. A new member of a struct does
// not compile here until it is named, and then fails until it is stored and an example sets it.

namespace heft::test {

inline auto members(const Perturbation& of) {
  const auto& [a, b] = of;
  return std::tie(a, b);
}
inline auto members(const RankSettings& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
}
inline auto members(const Provenance& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
}
inline auto members(const ParameterInfo& of) {
  const auto& [a, b, c, d, e, f, g, h, i] = of;
  return std::tie(a, b, c, d, e, f, g, h, i);
}
inline auto members(const Reader& of) {
  const auto& [a, b, c] = of;
  return std::tie(a, b, c);
}
inline auto members(const FurtherWeights& of) {
  const auto& [a, b, c, d] = of;
  return std::tie(a, b, c, d);
}
inline auto members(const RecurrentLayerInfo& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
}
inline auto members(const Structure& of) {
  const auto& [a, b] = of;
  return std::tie(a, b);
}
inline auto members(const OutputTensor& of) {
  const auto& [a, b, c, d] = of;
  return std::tie(a, b, c, d);
}
inline auto members(const OutputFacts& of) {
  const auto& [a, b, c, d, e, f, g] = of;
  return std::tie(a, b, c, d, e, f, g);
}
inline auto members(const ParameterImpacts& of) {
  const auto& [a, b, c, d, e, f, g] = of;
  return std::tie(a, b, c, d, e, f, g);
}
inline auto members(const ComponentImpact& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j);
}
inline auto members(const OutputGroup& of) {
  const auto& [a, b, c] = of;
  return std::tie(a, b, c);
}
inline auto members(const CalibrationFacts& of) {
  const auto& [a, b, c, d, e] = of;
  return std::tie(a, b, c, d, e);
}
inline auto members(const SettledFacts& of) {
  const auto& [a, b, c, d, e, f, g, h] = of;
  return std::tie(a, b, c, d, e, f, g, h);
}
inline auto members(const Cost& of) {
  const auto& [a, b, c, d, e, f, g] = of;
  return std::tie(a, b, c, d, e, f, g);
}
inline auto members(const Run& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m);
}
inline auto members(const Shard& of) {
  const auto& [a, b] = of;
  return std::tie(a, b);
}
inline auto members(const ShardRecord& of) {
  const auto& [a, b, c, d, e, f, g, h, i, j, k, l] = of;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
}

template <class Value>
concept HasMembers = requires(const Value& value) {
  members(value);
};

template <class Value>
bool sameValue(const std::optional<Value>& a, const std::optional<Value>& b);
template <class Value>
bool sameValue(const std::vector<Value>& a, const std::vector<Value>& b);
template <class Value>
bool sameValue(const std::map<std::string, Value>& a, const std::map<std::string, Value>& b);

/// NaN equals NaN.
template <class Value>
bool sameValue(const Value& a, const Value& b) {
  if constexpr (std::is_floating_point_v<Value>) {
    return a == b || (a != a && b != b);
  } else if constexpr (HasMembers<Value>) {
    const auto one = members(a), other = members(b);
    return [&]<std::size_t... place>(std::index_sequence<place...>) {
      return (sameValue(std::get<place>(one), std::get<place>(other)) && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(one)>>());
  } else {
    return a == b;
  }
}
template <class Value>
bool sameValue(const std::optional<Value>& a, const std::optional<Value>& b) {
  return a.has_value() == b.has_value() && (!a || sameValue(*a, *b));
}
template <class Value>
bool sameValue(const std::map<std::string, Value>& a, const std::map<std::string, Value>& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a) {
    if (!b.contains(key) || !sameValue(value, b.at(key))) return false;
  }
  return true;
}
template <class Value>
bool sameValue(const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!sameValue(a[i], b[i])) return false;
  }
  return true;
}

/// Names each member that differs, by its place from 0.
template <HasMembers Value>
void expectEveryMember(const Value& read, const Value& wrote) {
  const auto one = members(read), other = members(wrote);
  [&]<std::size_t... place>(std::index_sequence<place...>) {
    (
        [&] {
          if constexpr (HasMembers<std::remove_cvref_t<decltype(std::get<place>(one))>>) {
            expectEveryMember(std::get<place>(one), std::get<place>(other));
          } else {
            EXPECT_TRUE(sameValue(std::get<place>(one), std::get<place>(other)))
                << typeid(Value).name() << " member " << place;
          }
        }(),
        ...);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(one)>>());
}

/// Of each struct that it saw, which members differed from their defaults in at least one of them.
class MembersSet {
 public:
  template <class Value>
  void see(const Value& value) {
    if constexpr (HasMembers<Value>) seeMembers(value);
  }
  template <class Value>
  void see(const std::vector<Value>& values) {
    for (const Value& value : values) see(value);
  }
  template <class Value>
  void see(const std::optional<Value>& value) {
    if (value) see(*value);
  }

  void expectAll() const {
    for (const auto& [type, set] : set_) {
      for (std::size_t place = 0; place < set.size(); ++place)
        EXPECT_TRUE(set[place]) << type.name() << " member " << place << " is at its default in every example";
    }
  }

 private:
  template <HasMembers Value>
  void seeMembers(const Value& value) {
    const Value untouched{};
    const auto one = members(value), other = members(untouched);
    [&]<std::size_t... place>(std::index_sequence<place...>) {
      std::vector<bool>& set = set_[typeid(Value)];
      set.resize(sizeof...(place));
      ((set[place] = set[place] || !sameValue(std::get<place>(one), std::get<place>(other))), ...);
      (see(std::get<place>(one)), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(one)>>());
  }

  std::map<std::type_index, std::vector<bool>> set_;
};

}  // namespace heft::test
