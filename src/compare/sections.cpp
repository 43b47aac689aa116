#include "compare/sections.hpp"

#include <charconv>
#include <cmath>

#include "model/weight_label.hpp"
#include "run/stored/json_text.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

/// "0.01", as a key.
std::string shareKey(double share) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), share);
  return {text, end.ptr};
}

ordered_json numbers(const std::vector<double>& values) {
  auto list = ordered_json::array();
  for (const double one : values) list.push_back(finiteOrNull(one));
  return list;
}

ordered_json scoreJson(const Score& score) {
  ordered_json overlap = ordered_json::object();
  for (std::size_t i = 0; i < overlapShares.size(); ++i)
    overlap[shareKey(overlapShares[i])] = finiteOrNull(score.overlap[i]);
  return {{"weights", score.weights},
          {"spearman", finiteOrNull(score.spearman)},
          {"kendall", finiteOrNull(score.kendall)},
          {"overlap", overlap},
          {"rbo", finiteOrNull(score.rbo)}};
}

void addArea(ordered_json& to, const std::string& name, const std::optional<CurveScore>& score) {
  if (!score) {
    to[name + "_area"] = nullptr;
    return;
  }
  to[name + "_area"] = finiteOrNull(score->area.value);
  to[name + "_area_interval"] = {finiteOrNull(score->area.lower), finiteOrNull(score->area.upper)};
  to[name + "_p_against_impact"] = finiteOrNull(score->against_impact);
}

ordered_json byName(const std::vector<std::pair<std::string, Score>>& scores) {
  ordered_json all = ordered_json::object();
  for (const auto& [name, score] : scores) all[name] = scoreJson(score);
  return all;
}

/// A number of each point, or null where the first has none.
template <class Get>
ordered_json column(const RemovalCurve& curve, const Get& get) {
  auto list = ordered_json::array();
  for (const auto& point : curve.points) {
    const std::optional<double> value = get(point);
    if (!value) return nullptr;
    list.push_back(finiteOrNull(*value));
  }
  return list;
}

ordered_json shifted(const std::vector<ShiftedWeight>& list, const Structure& structure) {
  auto rows = ordered_json::array();
  for (const auto& one : list)
    rows.push_back({{"weight", weightLabel(structure.parameters[one.parameter], one.index)},
                    {"value", finiteOrNull(one.value)},
                    {"impact", finiteOrNull(one.impact)},
                    {"impact_there", finiteOrNull(one.impact_there)}});
  return rows;
}

}  // namespace

ordered_json criteriaSection(std::span<const CriterionCard> cards) {
  ordered_json all = ordered_json::object();
  for (const auto& card : cards) {
    auto overall = scoreJson(card.overall);
    if (card.overall.spearman && card.spearman_error) {
      constexpr double kNormal = 1.959964;  // 95 % of a normal distribution lie within as many deviations
      const double half = kNormal * *card.spearman_error, middle = *card.overall.spearman;
      overall["spearman_interval"] = {std::max(-1.0, middle - half), std::min(1.0, middle + half)};
    }
    addArea(overall, "deletion", card.deletion);
    addArea(overall, "insertion", card.insertion);
    all[card.name] = {{"label", card.label},         {"seconds", card.seconds},
                      {"overall", overall},          {"parameters", byName(card.parameters)},
                      {"gates", byName(card.gates)}, {"layers", byName(card.layers)}};
  }
  return all;
}

ordered_json baselineSection(const RemovalBaseline& baseline) {
  return {{"rms", finiteOrNull(baseline.rms)},
          {"loss", finiteOrNull(baseline.loss)},
          {"accuracy", finiteOrNull(baseline.accuracy)}};
}

ordered_json curvesSection(std::span<const RemovalCurve> curves) {
  auto all = ordered_json::array();
  for (const auto& curve : curves) {
    all.push_back({{"criterion", curve.criterion},
                   {"kind", curve.deletion ? "deletion" : "insertion"},
                   {"share", column(curve, [](const RemovalPoint& one) { return std::optional(one.share); })},
                   {"change", column(curve, [](const RemovalPoint& one) { return std::optional(one.change); })},
                   {"loss", column(curve, [](const RemovalPoint& one) { return one.loss; })},
                   {"accuracy", column(curve, [](const RemovalPoint& one) { return one.accuracy; })}});
  }
  return all;
}

ordered_json effectsSection(const Effects& effects) {
  auto groups = ordered_json::array();
  for (const auto& one : effects.groups)
    groups.push_back({{"name", one.name},
                      {"level", name(one.level)},
                      {"sign", one.sign},
                      {"weights", one.weights},
                      {"joint", finiteOrNull(one.joint)},
                      {"change", numbers(one.change)},
                      {"impact", numbers(one.impact)}});
  return {{"outputs", effects.outputs}, {"groups", std::move(groups)}};
}

ordered_json featuresSection(const HeldFeatures& features) {
  auto share = ordered_json::array();
  for (const auto& row : features.share) share.push_back(numbers(row));
  ordered_json top = ordered_json::object();
  for (std::size_t f = 0; f < features.top_units.size(); ++f) {
    auto units = ordered_json::array();
    for (const auto& [unit, one] : features.top_units[f])
      units.push_back({{"unit", unit}, {"share", finiteOrNull(one)}});
    if (!units.empty()) top[features.names[f]] = std::move(units);
  }
  return {{"names", features.names}, {"groups", features.groups}, {"share", share}, {"top_units", top}};
}

ordered_json outliersSection(std::span<const OutlierGroups> outliers) {
  auto all = ordered_json::array();
  for (const auto& one : outliers) {
    auto bins = ordered_json::array();
    for (const auto& group : one.groups)
      bins.push_back({{"from", group.from},
                      {"to", finiteOrNull(group.to)},
                      {"weights", group.weights},
                      {"share", group.share},
                      {"mean_impact", finiteOrNull(group.mean_impact)},
                      {"joint_impact", finiteOrNull(group.joint)}});
    all.push_back({{"parameter", one.parameter}, {"bins", std::move(bins)}});
  }
  return all;
}

ordered_json shiftSection(const Shift& shift, const Structure& structure, const std::string& other) {
  return {{"other_run", other},
          {"weights", shift.weights},
          {"spearman", finiteOrNull(shift.spearman)},
          {"kendall", finiteOrNull(shift.kendall)},
          {"top_overlap", finiteOrNull(shift.overlap)},
          {"only_here", shifted(shift.only_here, structure)},
          {"only_there", shifted(shift.only_there, structure)},
          {"rose", shifted(shift.rose, structure)},
          {"fell", shifted(shift.fell, structure)}};
}

ordered_json listSection(std::span<const DisagreeingWeight> list, const Structure& structure) {
  auto rows = ordered_json::array();
  for (const auto& one : list)
    rows.push_back({{"weight", weightLabel(structure.parameters[one.parameter], one.index)},
                    {"value", finiteOrNull(one.value)},
                    {"magnitude_rank", one.magnitude_rank},
                    {"impact", finiteOrNull(one.impact)},
                    {"impact_rank", one.impact_rank},
                    {"executed", true}});
  return rows;
}

}  // namespace heft
