#include <algorithm>
#include <limits>
#include <set>

#include "data/printable.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"
#include "run/stored/format_version.hpp"
#include "run/stored/json_reader.hpp"
#include "run/stored/run_json.hpp"

namespace heft {
namespace {

/// Names of methods and the like: an unknown one is damage here, not a wrong argument.
template <typename Parse>
auto parseName(const JsonReader& from, Parse parse) {
  try {
    return parse(from.text());
  } catch (const Error& error) {
    if (error.fault() != Fault::usage) throw;
    from.fail("has an unknown value (" + std::string(error.what()) + ")");
  }
}

std::size_t count(const JsonReader& from) { return static_cast<std::size_t>(from.whole(0)); }

OutputFacts readOutput(const JsonReader& from) {
  OutputFacts facts{from.at("shape").text(), from.at("samples").whole(1), from.at("elements").whole(0),
                    from.at("rms").number(), from.at("noise").number(),   from.at("samples_interact").flag()};
  if (!from.has("tensors")) return facts;
  for (const JsonReader& each : from.at("tensors").items()) {
    OutputTensor tensor;
    tensor.name = each.at("name").text();
    for (const JsonReader& size : each.at("shape").items()) tensor.shape.push_back(size.whole(0));
    for (const JsonReader& role : each.at("roles").items()) tensor.roles.push_back(parseName(role, parseDimRole));
    for (const JsonReader& size : each.at("scored").items()) tensor.scored.push_back(size.whole(0));
    facts.tensors.push_back(std::move(tensor));
  }
  return facts;
}

std::optional<SettledFacts> readSettled(const JsonReader& from) {
  if (from.isNull()) return std::nullopt;
  SettledFacts settled;
  settled.k = from.at("k").whole(0);
  settled.settled = from.at("settled").flag();
  settled.missing = from.at("missing").number();
  settled.confidence = from.at("confidence").number();
  settled.threshold = from.at("threshold").number();
  settled.executed = count(from.at("executed"));
  settled.audited = count(from.at("audited"));
  settled.why = from.at("why").text();
  return settled;
}

CalibrationFacts readCalibration(const JsonReader& from) {
  return {from.at("parameter").text(), count(from.at("draws")), from.at("ratio_low").number(),
          from.at("ratio_median").number(), from.at("ratio_high").number()};
}

ParameterInfo readParameter(const JsonReader& from, std::int64_t layers) {
  ParameterInfo info;
  info.name = from.at("name").text();
  for (const JsonReader& size : from.at("shape").items()) info.shape.push_back(size.whole(0));
  if (!byteCount(sizeof(double), info.shape)) from.at("shape").fail("is impossible");
  info.dtype = from.at("dtype").text();
  info.tied = from.at("tied").texts();
  info.site = from.at("site").text();
  info.role = from.at("role").text();
  info.method = from.at("method").text();
  info.gates = from.at("gates").texts();
  info.layer = from.at("layer").whole(-1, layers - 1);
  return info;
}

RecurrentLayerInfo readLayer(const JsonReader& from, const std::vector<ParameterInfo>& parameters) {
  const std::int64_t last = static_cast<std::int64_t>(parameters.size()) - 1;
  RecurrentLayerInfo layer;
  layer.name = from.at("name").text();
  layer.kind = from.at("kind").text();
  layer.index = from.at("index").whole(0);
  layer.reverse = from.at("reverse").flag();
  layer.units = from.at("units").whole(0);
  layer.emitted = from.at("emitted").whole(0);
  layer.inputs = from.at("inputs").whole(0);
  layer.gates = from.at("gates").texts();
  layer.weight_ih = from.at("weight_ih").whole(-1, last);
  layer.weight_hh = from.at("weight_hh").whole(-1, last);
  layer.bias_ih = from.at("bias_ih").whole(-1, last);
  layer.bias_hh = from.at("bias_hh").whole(-1, last);
  layer.weight_hr = from.at("weight_hr").whole(-1, last);
  for (const JsonReader& each : from.at("readers").items()) {
    Reader reader;
    reader.parameter = each.at("parameter").whole(0, last);
    const ParameterInfo& info = parameters[static_cast<std::size_t>(reader.parameter)];
    // Run folders of before a matrix could stand to the right have neither this nor further weights.
    if (each.has("by_row")) reader.by_row = each.at("by_row").flag();
    for (const JsonReader& column : each.at("column_of_unit").items())
      reader.column_of_unit.push_back(column.whole(-1, (reader.by_row ? info.rows() : info.columns()) - 1));
    layer.readers.push_back(std::move(reader));
  }
  for (const JsonReader& each : from.has("further") ? from.at("further").items() : std::vector<JsonReader>()) {
    FurtherWeights one;
    one.parameter = each.at("parameter").whole(0, last);
    one.role = each.at("role").text();
    one.first_row = each.at("first_row").whole(0);
    one.by_column = each.at("by_column").flag();
    layer.further.push_back(std::move(one));
  }
  return layer;
}

ComponentImpact readComponent(const JsonReader& from) {
  ComponentImpact component;
  component.name = from.at("name").text();
  component.level = parseName(from.at("level"), parseLevel);
  component.path = from.at("path").text();
  component.weights = from.at("weights").whole(0);
  for (const auto& [metric, impact] : from.at("joint").fields()) component.joint[metric] = impact.number();
  component.standard_error = from.at("standard_error").number();
  component.sum = from.at("sum").number();
  component.magnitude = from.at("magnitude").number();
  return component;
}

OutputGroup readGroup(const JsonReader& from) {
  return {from.at("name").text(), from.at("samples").whole(0), from.at("elements").whole(0)};
}

Structure readStructure(const JsonReader& root) {
  Structure structure;
  const std::vector<JsonReader> layers = root.at("layers").items();
  std::set<std::string> names;
  for (const JsonReader& each : root.at("parameters").items()) {
    structure.parameters.push_back(readParameter(each, static_cast<std::int64_t>(layers.size())));
    if (!names.insert(structure.parameters.back().name).second) each.at("name").fail("stands there twice");
  }
  for (const JsonReader& each : layers) structure.layers.push_back(readLayer(each, structure.parameters));
  return structure;
}

void checkFormat(const JsonReader& root, const std::string& file) {
  if (root.at("format").text() != runFormat) root.at("format").fail("is not \"" + std::string(runFormat) + "\"");
  const std::int64_t version = root.at("format_version").whole(0);
  if (version == runFormatVersion) return;
  throw Error(Fault::output, file + ": is of format version " + std::to_string(version) + ", but this Heft reads " +
                                 std::to_string(runFormatVersion) + "; use the Heft that wrote it, or rank again");
}

}  // namespace

RankSettings readSettingsJson(const JsonReader& from) {
  RankSettings settings;
  settings.method = parseName(from.at("method"), parseMethod);
  settings.metrics.clear();
  for (const JsonReader& each : from.at("metrics").items()) settings.metrics.push_back(parseName(each, parseMetric));
  if (settings.metrics.empty()) from.at("metrics").fail("is empty");
  settings.perturbation = parseName(from.at("perturbation"), Perturbation::parse);
  settings.levels.clear();
  for (const JsonReader& each : from.at("levels").items()) settings.levels.push_back(parseName(each, parseLevel));
  settings.parameters = from.at("parameters").texts();
  settings.output_target = from.at("output_target").text();
  settings.top = from.at("top").whole(0);
  settings.alpha = from.at("alpha").number();
  if (!(settings.alpha > 0 && settings.alpha < 1)) from.at("alpha").fail("is not between 0 and 1");
  settings.miss = from.at("miss").number();
  settings.budget_variants = from.at("budget_variants").whole(0);
  settings.budget_seconds = from.at("budget_seconds").number();
  settings.seed = from.at("seed").natural();
  if (from.has("precision")) settings.precision = parseName(from.at("precision"), parsePrecision);
  if (from.has("dims")) settings.dims = from.at("dims").texts();
  settings.stream = from.at("stream").flag();
  // Runs of earlier versions are not split.
  if (from.has("by")) settings.by = parseName(from.at("by"), parseGroupBy);
  if (from.has("labels")) settings.labels = from.at("labels").texts();
  // Runs of earlier versions have neither.
  if (from.has("carry")) settings.carry = from.at("carry").texts();
  if (from.has("draws")) settings.draws = from.at("draws").whole(1);
  return settings;
}

Provenance readProvenanceJson(const JsonReader& from) {
  Provenance provenance;
  provenance.model = from.at("model").text();
  provenance.model_sha256 = from.at("model_sha256").text();
  provenance.inputs = from.at("inputs").texts();
  provenance.inputs_sha256 = from.at("inputs_sha256").text();
  provenance.targets = from.at("targets").text();
  provenance.targets_sha256 = from.at("targets_sha256").text();
  provenance.heft_version = from.at("heft_version").text();
  provenance.libtorch_version = from.at("libtorch_version").text();
  provenance.device = from.at("device").text();
  provenance.machine = from.at("machine").text();
  provenance.threads = static_cast<int>(from.at("threads").whole(0, std::numeric_limits<int>::max()));
  provenance.started = from.at("started").text();
  return provenance;
}

Cost readCostJson(const JsonReader& from) {
  Cost cost;
  cost.seconds = from.at("seconds").number();
  cost.response_seconds = from.at("response_seconds").number();
  cost.execute_seconds = from.at("execute_seconds").number();
  cost.variants = count(from.at("variants"));
  cost.adjoints = count(from.at("adjoints"));
  cost.probes = count(from.at("probes"));
  cost.probe_error = from.at("probe_error").number();
  return cost;
}

Run readRunJson(const std::filesystem::path& file) {
  const nlohmann::json document = readJsonFile(file);
  const std::string name = printablePath(file);
  const JsonReader root(document, name);
  checkFormat(root, name);
  Run run;
  run.complete = root.at("complete").flag();
  run.settings = readSettingsJson(root.at("settings"));
  run.provenance = readProvenanceJson(root.at("provenance"));
  run.structure = readStructure(root);
  run.output = readOutput(root.at("output"));
  run.cost = readCostJson(root.at("cost"));
  run.settled = readSettled(root.at("settled"));
  run.notes = root.at("notes").texts();
  // Runs of earlier versions have none.
  if (root.has("feature_names")) run.feature_names = root.at("feature_names").texts();
  for (const JsonReader& each : root.at("calibration").items()) run.calibration.push_back(readCalibration(each));
  for (const JsonReader& each : root.at("components").items()) run.components.push_back(readComponent(each));
  if (root.has("groups")) {
    for (const JsonReader& each : root.at("groups").items()) run.groups.push_back(readGroup(each));
  }
  return run;
}

}  // namespace heft
