#include "run/stored/run_json.hpp"

#include "run/stored/format_version.hpp"
#include "run/stored/json_text.hpp"

namespace heft {

using nlohmann::ordered_json;

namespace {

ordered_json parameterJson(const ParameterInfo& info) {
  return {{"name", info.name},     {"shape", info.shape}, {"dtype", info.dtype},
          {"tied", info.tied},     {"site", info.site},   {"role", info.role},
          {"method", info.method}, {"gates", info.gates}, {"layer", info.layer}};
}

ordered_json layerJson(const RecurrentLayerInfo& layer) {
  ordered_json readers = ordered_json::array();
  for (const Reader& reader : layer.readers)
    readers.push_back(
        {{"parameter", reader.parameter}, {"column_of_unit", reader.column_of_unit}, {"by_row", reader.by_row}});
  ordered_json further = ordered_json::array();
  for (const FurtherWeights& one : layer.further)
    further.push_back(
        {{"parameter", one.parameter}, {"role", one.role}, {"first_row", one.first_row}, {"by_column", one.by_column}});
  return {{"name", layer.name},           {"kind", layer.kind},
          {"index", layer.index},         {"reverse", layer.reverse},
          {"units", layer.units},         {"emitted", layer.emitted},
          {"inputs", layer.inputs},       {"gates", layer.gates},
          {"weight_ih", layer.weight_ih}, {"weight_hh", layer.weight_hh},
          {"bias_ih", layer.bias_ih},     {"bias_hh", layer.bias_hh},
          {"weight_hr", layer.weight_hr}, {"further", std::move(further)},
          {"readers", std::move(readers)}};
}

ordered_json componentJson(const ComponentImpact& component) {
  ordered_json joint = ordered_json::object();
  for (const auto& [metric, impact] : component.joint) joint[metric] = exactNumber(impact);
  return {{"name", component.name},
          {"level", name(component.level)},
          {"path", component.path},
          {"weights", component.weights},
          {"joint", std::move(joint)},
          {"standard_error", exactNumber(component.standard_error)},
          {"sum", exactNumber(component.sum)},
          {"magnitude", exactNumber(component.magnitude)}};
}

ordered_json groupJson(const OutputGroup& group) {
  return {{"name", group.name}, {"samples", group.samples}, {"elements", group.elements}};
}

ordered_json calibrationJson(const CalibrationFacts& facts) {
  return {{"parameter", facts.parameter},
          {"draws", facts.draws},
          {"ratio_low", exactNumber(facts.ratio_low)},
          {"ratio_median", exactNumber(facts.ratio_median)},
          {"ratio_high", exactNumber(facts.ratio_high)}};
}

/// Roles by name, "-" for none; the places of samples, steps and classes as numbers too, null where there are none.
ordered_json tensorJson(const OutputTensor& tensor) {
  ordered_json roles = ordered_json::array();
  for (const auto role : tensor.roles) roles.push_back(name(role));
  const auto place = [&](DimRole role) {
    const auto found = placeOf(tensor.roles, role);
    return found < 0 ? ordered_json() : ordered_json(found);
  };
  return {{"name", tensor.name},
          {"shape", tensor.shape},
          {"roles", std::move(roles)},
          {"samples", place(DimRole::samples)},
          {"steps", place(DimRole::steps)},
          {"classes", place(DimRole::classes)},
          {"scored", tensor.scored}};
}

template <typename Values, typename ToJson>
ordered_json listOf(const Values& values, ToJson toJson) {
  ordered_json list = ordered_json::array();
  for (const auto& value : values) list.push_back(toJson(value));
  return list;
}

}  // namespace

ordered_json provenanceJson(const Provenance& from) {
  return {{"model", from.model},
          {"model_sha256", from.model_sha256},
          {"inputs", from.inputs},
          {"inputs_sha256", from.inputs_sha256},
          {"targets", from.targets},
          {"targets_sha256", from.targets_sha256},
          {"heft_version", from.heft_version},
          {"libtorch_version", from.libtorch_version},
          {"device", from.device},
          {"machine", from.machine},
          {"threads", from.threads},
          {"started", from.started}};
}

ordered_json settingsJson(const RankSettings& settings) {
  return {{"method", name(settings.method)},
          {"metrics", listOf(settings.metrics, [](Metric each) { return name(each); })},
          {"perturbation", settings.perturbation.text()},
          {"levels", listOf(settings.levels, [](Level each) { return name(each); })},
          {"parameters", settings.parameters},
          {"output_target", settings.output_target},
          {"top", settings.top},
          {"alpha", exactNumber(settings.alpha)},
          {"miss", exactNumber(settings.miss)},
          {"budget_variants", settings.budget_variants},
          {"budget_seconds", exactNumber(settings.budget_seconds)},
          {"seed", settings.seed},
          {"precision", name(settings.precision)},
          {"dims", settings.dims},
          {"stream", settings.stream},
          {"by", name(settings.by)},
          {"labels", settings.labels},
          {"carry", settings.carry},
          {"draws", settings.draws}};
}

ordered_json settledJson(const std::optional<SettledFacts>& settled) {
  if (!settled) return {};
  return {{"k", settled->k},
          {"settled", settled->settled},
          {"missing", exactNumber(settled->missing)},
          {"confidence", exactNumber(settled->confidence)},
          {"threshold", exactNumber(settled->threshold)},
          {"executed", settled->executed},
          {"audited", settled->audited},
          {"why", settled->why}};
}

ordered_json costJson(const Cost& cost) {
  return {{"seconds", exactNumber(cost.seconds)},
          {"response_seconds", exactNumber(cost.response_seconds)},
          {"execute_seconds", exactNumber(cost.execute_seconds)},
          {"variants", cost.variants},
          {"adjoints", cost.adjoints},
          {"probes", cost.probes},
          {"probe_error", exactNumber(cost.probe_error)}};
}

ordered_json outputJson(const OutputFacts& output) {
  return {{"shape", output.shape},
          {"samples", output.samples},
          {"elements", output.elements},
          {"rms", exactNumber(output.rms)},
          {"noise", exactNumber(output.noise)},
          {"samples_interact", output.samples_interact},
          {"tensors", listOf(output.tensors, tensorJson)}};
}

ordered_json runJson(const Run& run) {
  return {{"format", runFormat},
          {"format_version", runFormatVersion},
          {"complete", run.complete},
          {"settings", settingsJson(run.settings)},
          {"provenance", provenanceJson(run.provenance)},
          {"output", outputJson(run.output)},
          {"cost", costJson(run.cost)},
          {"settled", settledJson(run.settled)},
          {"notes", run.notes},
          {"feature_names", run.feature_names},
          {"calibration", listOf(run.calibration, calibrationJson)},
          {"parameters", listOf(run.structure.parameters, parameterJson)},
          {"layers", listOf(run.structure.layers, layerJson)},
          {"components", listOf(run.components, componentJson)},
          {"groups", listOf(run.groups, groupJson)}};
}

}  // namespace heft
