#include "measure/settings.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "data/input_file.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

template <typename Value>
using Named = std::pair<Value, std::string_view>;

constexpr Named<Method> methods[] = {{Method::automatic, "auto"},
                                     {Method::response, "response"},
                                     {Method::exhaustive, "exhaustive"},
                                     {Method::reference, "reference"}};
constexpr Named<Metric> metrics[] = {{Metric::rms, "rms"},
                                     {Metric::max, "max"},
                                     {Metric::kl, "kl"},
                                     {Metric::loss, "loss"},
                                     {Metric::flips, "flips"}};
constexpr Named<Level> levels[] = {
    {Level::weight, "weight"}, {Level::row, "row"},       {Level::column, "column"}, {Level::unit, "unit"},
    {Level::gate, "gate"},     {Level::matrix, "matrix"}, {Level::layer, "layer"}};
using Kind = Perturbation::Kind;
constexpr Named<Kind> kinds[] = {{Kind::zero, "zero"},   {Kind::mean, "mean"},   {Kind::permute, "permute"},
                                 {Kind::noise, "noise"}, {Kind::scale, "scale"}, {Kind::flip, "flip"},
                                 {Kind::round, "round"}};
constexpr double mostBits = 52;  // of a float64's fraction

template <typename Value, std::size_t Count>
std::string_view nameIn(const Named<Value> (&table)[Count], Value value) noexcept {
  for (const auto& [each, text] : table) {
    if (each == value) return text;
  }
  return "";
}

template <typename Value, std::size_t Count>
Value find(const Named<Value> (&table)[Count], std::string_view text, const std::string& what) {
  std::string known;
  for (const auto& [value, each] : table) {
    if (each == text) return value;
    known += (known.empty() ? "" : ", ") + std::string(each);
  }
  throw Error(Fault::usage, "unknown " + what + " '" + printable(text) + "'; there are " + known);
}

bool takesAmount(Kind kind) { return kind == Kind::noise || kind == Kind::scale || kind == Kind::round; }

}  // namespace

std::string_view name(Method method) noexcept { return nameIn(methods, method); }
std::string_view name(Metric metric) noexcept { return nameIn(metrics, metric); }
std::string_view name(Level level) noexcept { return nameIn(levels, level); }

Method parseMethod(std::string_view text) { return find(methods, text, "method"); }
Metric parseMetric(std::string_view text) { return find(metrics, text, "metric"); }
Level parseLevel(std::string_view text) { return find(levels, text, "level"); }

Perturbation Perturbation::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  Perturbation result;
  result.kind = find(kinds, text.substr(0, colon), "perturbation");
  if (!takesAmount(result.kind)) {
    if (colon == std::string_view::npos) return result;
    throw Error(Fault::usage, "perturbation '" + printable(text) + "' takes no amount; write " +
                                  std::string(nameIn(kinds, result.kind)));
  }
  const std::string_view amount = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, code] = std::from_chars(amount.data(), amount.data() + amount.size(), result.amount);
  const bool read =
      code == std::errc() && end == amount.data() + amount.size() && std::isfinite(result.amount);
  const bool bits =
      result.amount >= 1 && result.amount <= mostBits && result.amount == std::floor(result.amount);
  if (!read || (result.kind == Kind::noise && result.amount <= 0) || (result.kind == Kind::round && !bits)) {
    throw Error(Fault::usage, "perturbation '" + printable(text) +
                                  "' has no amount that fits; write it as noise:0.1, scale:0.5 or round:8");
  }
  return result;
}

std::string Perturbation::text() const {
  std::string result(nameIn(kinds, kind));
  if (!takesAmount(kind)) return result;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), amount).ptr;
  return result + ":" + std::string(digits, end);
}

}  // namespace heft
