#include "model/weight_label.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/interval_widths.hpp"
#include "run/findings/judgement.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/run_json.hpp"
#include "run/text/tables.hpp"
#include "run/text/verdict.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

ordered_json textOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

ordered_json wholeOrNull(const std::optional<std::int64_t>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json topJson(const Run& run, const Findings& findings) {
  ordered_json list = ordered_json::array();
  for (const TopWeight& row : findings.top) {
    const ParameterInfo& info = run.structure.parameters[row.parameter];
    const WeightPlace place = describeWeight(run.structure, row.parameter, row.index);
    list.push_back({{"rank", list.size() + 1},
                    {"name", weightLabel(info, row.index)},
                    {"parameter", info.name},
                    {"index", row.index},
                    {"weight", finiteOrNull(row.weight)},
                    {"impact", finiteOrNull(row.impact)},
                    {"lower", finiteOrNull(row.lower)},
                    {"upper", finiteOrNull(row.upper)},
                    {"executed", row.executed},
                    {"standard_error", finiteOrNull(row.standard_error)},
                    {"magnitude_rank", row.magnitude_rank},
                    {"layer", textOrNull(place.layer)},
                    {"direction", textOrNull(place.direction)},
                    {"gate", textOrNull(place.gate)},
                    {"unit", wholeOrNull(place.unit)},
                    {"column", wholeOrNull(place.column)}});
  }
  return list;
}

/// What is known of weights that were not executed, the widest intervals first.
ordered_json intervalsJson(const Run& run) {
  ordered_json list = ordered_json::array();
  for (const auto& one : intervalWidthsOf(run)) {
    list.push_back({{"parameter", run.structure.parameters[one.parameter].name},
                    {"estimated", one.estimates},
                    {"half_width", finiteOrNull(one.middle)},
                    {"without_upper_bound", one.open},
                    {"unknown", one.unknown}});
  }
  return list;
}

ordered_json numbersJson(const std::vector<double>& values) {
  ordered_json list = ordered_json::array();
  for (const double value : values) list.push_back(finiteOrNull(value));
  return list;
}

ordered_json componentsJson(const Run& run) {
  ordered_json list = ordered_json::array();
  for (const ComponentImpact& one : run.components) {
    ordered_json joint = ordered_json::object();
    for (const auto& [metric, impact] : one.joint) joint[metric] = finiteOrNull(impact);
    ordered_json row = {{"name", one.name},
                        {"level", name(one.level)},
                        {"path", textOrNull(one.path)},
                        {"weights", one.weights},
                        {"impact", finiteOrNull(impactOf(run, one))},
                        {"standard_error", finiteOrNull(one.standard_error)},
                        {"impacts", std::move(joint)},
                        {"sum", finiteOrNull(one.sum)},
                        {"magnitude", finiteOrNull(one.magnitude)}};
    if (!run.groups.empty()) {
      row["by_group"] = ordered_json::object();
      for (const auto& [metric, values] : one.by_group) row["by_group"][metric] = numbersJson(values);
      row["group_error"] = numbersJson(one.group_error);
    }
    list.push_back(std::move(row));
  }
  return list;
}

/// Null without groups.
ordered_json groupsJson(const Run& run) {
  if (run.groups.empty()) return nullptr;
  ordered_json names = ordered_json::array(), samples = names, elements = names;
  for (const OutputGroup& group : run.groups) {
    names.push_back(group.name);
    samples.push_back(group.samples);
    elements.push_back(group.elements);
  }
  return {{"by", name(run.settings.by)}, {"names", names}, {"samples", samples}, {"elements", elements}};
}

/// Infinity, which run.json spells out, is null here.
void dropInfinity(ordered_json& object) {
  for (auto& value : object) {
    if (value == "infinity" || value == "-infinity") value = nullptr;
  }
}

}  // namespace

ordered_json summaryJson(const Run& run, const Findings& findings) {
  ordered_json settled = settledJson(run.settled);
  dropInfinity(settled);
  return {{"complete", run.complete},
          {"verdict", verdictSentence(run, findings)},
          {"certainty", certaintySentences(run, findings)},
          {"weights", findings.weights},
          {"executed", findings.executed},
          {"settings", settingsJson(run.settings)},
          {"output", outputJson(run.output)},
          {"cost", costJson(run.cost)},
          {"settled", std::move(settled)},
          {"intervals", intervalsJson(run)},
          {"top", topJson(run, findings)},
          {"components", componentsJson(run)},
          {"groups", groupsJson(run)},
          {"comparison", comparisonJson(run, findings.comparison)},
          {"notes", run.notes}};
}

}  // namespace heft
