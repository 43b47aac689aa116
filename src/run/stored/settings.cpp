#include "run/stored/settings.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "data/printable.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

template <typename Value>
using Named = std::pair<std::string_view, Value>;

constexpr std::array<Named<Method>, 4> kMethods{{{"auto", Method::automatic},
                                                 {"response", Method::response},
                                                 {"exhaustive", Method::exhaustive},
                                                 {"reference", Method::reference}}};

constexpr std::array<Named<Precision>, 3> kPrecisions{
    {{"float32", Precision::float32}, {"bfloat16", Precision::bfloat16}, {"as-model", Precision::as_model}}};

constexpr std::array<Named<Level>, 7> kLevels{{{"weight", Level::weight},
                                               {"row", Level::row},
                                               {"column", Level::column},
                                               {"unit", Level::unit},
                                               {"gate", Level::gate},
                                               {"matrix", Level::matrix},
                                               {"layer", Level::layer}}};

constexpr std::array<Named<GroupBy>, 6> kGroupings{{{"none", GroupBy::none},
                                                    {"class", GroupBy::klass},
                                                    {"step", GroupBy::step},
                                                    {"output", GroupBy::output},
                                                    {"target", GroupBy::target},
                                                    {"label", GroupBy::label}}};

template <typename Value>
std::string_view nameIn(std::span<const Named<Value>> names, Value value) noexcept {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

template <typename Value>
Value parseIn(std::span<const Named<Value>> names, std::string_view what, std::string_view text) {
  std::vector<std::string> known;
  for (const auto& [name, value] : names) {
    if (name == text) return value;
    known.emplace_back(name);
  }
  throw Error(Fault::usage,
              std::string(what) + " '" + printable(text) + "' is unknown; there are: " + joined(known, ", "));
}

}  // namespace

std::string_view name(Method method) noexcept { return nameIn<Method>(kMethods, method); }
std::string_view name(Precision precision) noexcept { return nameIn<Precision>(kPrecisions, precision); }
std::string_view name(Level level) noexcept { return nameIn<Level>(kLevels, level); }
std::string_view name(GroupBy by) noexcept { return nameIn<GroupBy>(kGroupings, by); }
Method parseMethod(std::string_view text) { return parseIn<Method>(kMethods, "method", text); }
Precision parsePrecision(std::string_view text) { return parseIn<Precision>(kPrecisions, "precision", text); }
Level parseLevel(std::string_view text) { return parseIn<Level>(kLevels, "level", text); }
GroupBy parseGroupBy(std::string_view text) { return parseIn<GroupBy>(kGroupings, "grouping", text); }

bool executesAll(Method method) noexcept { return method == Method::exhaustive || method == Method::reference; }

bool ranksWeights(const RankSettings& settings) {
  return std::find(settings.levels.begin(), settings.levels.end(), Level::weight) != settings.levels.end();
}

bool ranksComponents(const RankSettings& settings) {
  return std::any_of(settings.levels.begin(), settings.levels.end(), [](Level one) { return one != Level::weight; });
}

}  // namespace heft
