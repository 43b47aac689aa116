#include "model/weight_label.hpp"
#include "run/interval_widths.hpp"
#include "run/json_text.hpp"
#include "run/judgement.hpp"
#include "run/run_json.hpp"
#include "run/tables.hpp"
#include "run/verdict.hpp"

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
          {"verdict", judgementSentence(findings)},
          {"certainty", certaintySentences(run, findings)},
          {"weights", findings.weights},
          {"executed", findings.executed},
          {"settings", settingsJson(run.settings)},
          {"output", outputJson(run.output)},
          {"cost", costJson(run.cost)},
          {"settled", std::move(settled)},
          {"intervals", intervalsJson(run)},
          {"top", topJson(run, findings)},
          {"comparison", comparisonJson(run, findings.comparison)},
          {"notes", run.notes}};
}

}  // namespace heft
