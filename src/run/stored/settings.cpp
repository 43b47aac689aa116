#include "run/stored/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "data/printable.hpp"
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

constexpr std::array<Named<Perturbation::Kind>, 7> kKinds{{{"zero", Perturbation::Kind::zero},
                                                           {"mean", Perturbation::Kind::mean},
                                                           {"permute", Perturbation::Kind::permute},
                                                           {"noise", Perturbation::Kind::noise},
                                                           {"scale", Perturbation::Kind::scale},
                                                           {"flip", Perturbation::Kind::flip},
                                                           {"round", Perturbation::Kind::round}}};

constexpr std::string_view kPerturbations = "zero, mean, permute, noise:S, scale:F, flip, round:BITS";

template <typename Value>
std::string_view nameIn(std::span<const Named<Value>> names, Value value) noexcept {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

template <typename Value>
Value parseIn(std::span<const Named<Value>> names, std::string_view what, std::string_view text) {
  std::string known;
  for (const auto& [name, value] : names) {
    if (name == text) return value;
    if (!known.empty()) known += ", ";
    known += name;
  }
  throw Error(Fault::usage, std::string(what) + " '" + printable(text) + "' is unknown; there are: " + known);
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(Fault::usage, "perturbation '" + printable(text) + "' " + std::string(why));
}

bool takesAmount(Perturbation::Kind kind) noexcept {
  using enum Perturbation::Kind;
  return kind == noise || kind == scale || kind == round;
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

Perturbation Perturbation::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  Perturbation perturbation;
  bool known = false;
  for (const auto& [name, kind] : kKinds) {
    if (name != text.substr(0, colon)) continue;
    perturbation.kind = kind;
    known = true;
  }
  if (!known) refuse(text, "is unknown; there are: " + std::string(kPerturbations));
  if (!takesAmount(perturbation.kind)) {
    if (colon != std::string_view::npos) refuse(text, "takes no number; there are: " + std::string(kPerturbations));
    return perturbation;
  }
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), perturbation.amount);
  const bool is_number =
      fault == std::errc() && end == digits.data() + digits.size() && std::isfinite(perturbation.amount);
  switch (perturbation.kind) {
    case Kind::noise:
      if (!is_number || perturbation.amount <= 0)
        refuse(text,
               "needs a number above 0, the noise as a multiple of the matrix's standard deviation, as in "
               "noise:0.1");
      break;
    case Kind::round:
      if (!is_number || perturbation.amount != std::floor(perturbation.amount) || perturbation.amount < 1 ||
          perturbation.amount > 16)
        refuse(text, "needs a whole number of bits from 1 to 16, as in round:8");
      break;
    default:
      if (!is_number) refuse(text, "needs a number, the factor, as in scale:0.5");
  }
  return perturbation;
}

std::string Perturbation::text() const {
  std::string text(nameIn<Kind>(kKinds, kind));
  if (!takesAmount(kind)) return text;
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), amount);
  return text + ":" + std::string(digits.data(), written.ptr);
}

bool executesAll(Method method) noexcept { return method == Method::exhaustive || method == Method::reference; }

bool ranksWeights(const RankSettings& settings) {
  return std::find(settings.levels.begin(), settings.levels.end(), Level::weight) != settings.levels.end();
}

bool ranksComponents(const RankSettings& settings) {
  return std::any_of(settings.levels.begin(), settings.levels.end(), [](Level one) { return one != Level::weight; });
}

}  // namespace heft
