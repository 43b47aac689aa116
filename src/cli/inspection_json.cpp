#include "cli/inspection.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {

using nlohmann::ordered_json;

namespace {

ordered_json textOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

template <class Value>
ordered_json valueOrNull(const std::optional<Value>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json siteJson(const SiteFacts& site) {
  return {{"name", site.name},
          {"kind", site.kind},
          {"recurrent", site.recurrent},
          {"layers", valueOrNull(site.layers)},
          {"directions", valueOrNull(site.directions)},
          {"inputs", valueOrNull(site.inputs)},
          {"outputs", valueOrNull(site.outputs)},
          {"projection", valueOrNull(site.projection)},
          {"gates", site.gates},
          {"cell", site.cell},
          {"packed", site.packed},
          {"batch_first", valueOrNull(site.batch_first)},
          {"calls", valueOrNull(site.calls)},
          {"steps", valueOrNull(site.steps)},
          {"parameters", site.parameters}};
}

ordered_json parameterJson(const Inspection& inspection, const ParameterInfo& info) {
  const auto all = static_cast<double>(inspection.weights());
  const auto why = whyNot(inspection, info);
  const bool known = inspection.ran || !why.empty();
  return {
      {"name", info.name},
      {"shape", info.shape},
      {"dtype", info.dtype},
      {"weights", info.weights()},
      {"share", finiteOrNull(static_cast<double>(info.weights()) / all)},
      {"tied", info.tied},
      {"site", textOrNull(info.site)},
      {"role", textOrNull(info.role)},
      {"gates", info.gates},
      {"layer", info.layer < 0 ? ordered_json()
                               : ordered_json(inspection.structure.layers[static_cast<std::size_t>(info.layer)].name)},
      {"method", textOrNull(info.method)},
      {"rankable", known ? ordered_json(why.empty()) : ordered_json()},
      {"why_not", textOrNull(why)}};
}

ordered_json otherJson(const Inspection::Tensor& tensor) {
  const std::vector<std::string> none;
  ordered_json nothing;
  return {
      {"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.dtype},    {"weights", 0},  {"share", 0.0},
      {"tied", none},        {"site", nothing},       {"role", nothing},          {"gates", none}, {"layer", nothing},
      {"method", nothing},   {"rankable", false},     {"why_not", tensor.why_not}};
}

}  // namespace

ordered_json inspectionJson(const Inspection& inspection) {
  auto arguments = ordered_json::array();
  for (const auto& one : inspection.arguments) {
    arguments.push_back({{"name", one.name},
                         {"type", one.type},
                         {"required", !one.otherwise},
                         {"default", valueOrNull(one.otherwise)},
                         {"given", textOrNull(one.given)}});
  }
  auto sites = ordered_json::array();
  for (const auto& one : inspection.sites) sites.push_back(siteJson(one));
  auto parameters = ordered_json::array();
  for (const auto& one : inspection.structure.parameters) parameters.push_back(parameterJson(inspection, one));
  for (const auto& one : inspection.others) parameters.push_back(otherJson(one));
  auto buffers = ordered_json::array();
  for (const auto& one : inspection.buffers)
    buffers.push_back({{"name", one.name}, {"shape", one.shape}, {"dtype", one.dtype}});
  auto outputs = ordered_json::array();
  for (const auto& one : inspection.outputs) {
    outputs.push_back({{"name", one.path},
                       {"shape", one.shape},
                       {"scored", one.scored},
                       {"batch_dim", valueOrNull(one.batch_dim)},
                       {"steps_dim", valueOrNull(one.steps_dim)},
                       {"classes_dim", valueOrNull(one.classes_dim)},
                       {"scored_shape", one.scored_shape},
                       {"rms", finiteOrNull(one.rms)}});
  }
  return {{"model", inspection.model},
          {"sha256", inspection.sha256},
          {"device", inspection.device},
          {"ran", inspection.ran},
          {"weights", inspection.weights()},
          {"samples", valueOrNull(inspection.samples)},
          {"carries", inspection.carries},
          {"targets", textOrNull(inspection.targets)},
          {"forward", std::move(arguments)},
          {"sites", std::move(sites)},
          {"parameters", std::move(parameters)},
          {"buffers", std::move(buffers)},
          {"outputs", std::move(outputs)},
          {"notes", inspection.notes},
          {"refusal", textOrNull(inspection.refusal)}};
}

}  // namespace heft::cli
