#include <algorithm>
#include <cmath>

#include "report/compared.hpp"

namespace heft {
namespace {

using nlohmann::json;

std::optional<double> valueIn(const json& object, const char* key) {
  const json& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
}

Agreement agreementIn(const json& object, std::string name) {
  Agreement result;
  result.name = std::move(name);
  result.weights = object.at("weights").get<std::size_t>();
  result.spearman = valueIn(object, "spearman");
  result.kendall = valueIn(object, "kendall");
  result.top = object.at("top").get<std::size_t>();
  result.overlap = valueIn(object, "top_overlap");
  result.chance = valueIn(object, "top_overlap_by_chance").value_or(0);
  return result;
}

std::size_t weightsIn(const ParameterImpacts& impacts) {
  return static_cast<std::size_t>(
      std::count_if(impacts.impact.begin(), impacts.impact.end(), [](float value) { return !std::isnan(value); }));
}

bool fits(const Comparison& comparison, const Run& run) {
  std::size_t all = 0, next = 0;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    const std::size_t weights = weightsIn(run.impacts[p]);
    if (weights == 0) continue;
    if (next == comparison.parameters.size()) return false;
    const Agreement& each = comparison.parameters[next++];
    if (each.name != run.structure.parameters[p].name || each.weights != weights) return false;
    all += weights;
  }
  return next == comparison.parameters.size() && comparison.overall.weights == all;
}

}  // namespace

std::optional<Comparison> agreementsOf(const json& comparison, const Run& run) {
  try {
    if (comparison.at("metric") != name(run.settings.metrics.front())) return std::nullopt;
    Comparison result;
    result.overall = agreementIn(comparison.at("overall"), "");
    for (const json& each : comparison.at("parameters"))
      result.parameters.push_back(agreementIn(each, each.at("name").get<std::string>()));
    return fits(result, run) ? std::optional(std::move(result)) : std::nullopt;
  } catch (const json::exception&) {  // of another form: worked out again
    return std::nullopt;
  }
}

}  // namespace heft
