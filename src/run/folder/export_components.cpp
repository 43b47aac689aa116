#include "run/folder/export_components.hpp"

#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "data/csv.hpp"
#include "data/npy_header.hpp"
#include "data/safetensors.hpp"
#include "data/zip_writer.hpp"
#include "run/findings/component_findings.hpp"
#include "run/stored/group_table.hpp"
#include "run/text/text_column.hpp"

namespace heft {
namespace {

using Component = ComponentImpact;

struct TextOf {
  std::string name;
  std::function<std::string(const Component&)> value;
};

struct WholeOf {
  std::string name;
  std::function<std::optional<std::int64_t>(const Component&)> value;
};

struct NumberOf {
  std::string name;
  std::function<double(const Component&)> value;
};

/// The text behind KEY= in a component's name: "12" of "lstm.l0:unit=12" for "unit"; "" where there is none.
std::string partOf(const Component& component, const std::string& key) {
  const auto found = component.name.find(":" + key + "=");
  if (found == std::string::npos) return "";
  const auto begin = found + key.size() + 2;
  return component.name.substr(begin, component.name.find(':', begin) - begin);
}

std::optional<std::int64_t> unitOf(const Component& component) {
  const auto text = partOf(component, "unit");
  std::int64_t unit = 0;
  if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), unit).ec != std::errc())
    return std::nullopt;
  return unit;
}

std::string layerOf(const Component& component) {
  const bool in_layer =
      component.level == Level::unit || component.level == Level::gate || component.level == Level::layer;
  return in_layer ? component.name.substr(0, component.name.find(':')) : "";
}

std::vector<TextOf> textColumns() {
  return {{"name", [](const Component& one) { return one.name; }},
          {"level", [](const Component& one) { return std::string(name(one.level)); }},
          {"layer", layerOf},
          {"gate", [](const Component& one) { return partOf(one, "gate"); }},
          {"path", [](const Component& one) { return one.path; }}};
}

std::vector<WholeOf> wholeColumns() {
  return {{"unit", unitOf}, {"weights", [](const Component& one) { return std::optional(one.weights); }}};
}

std::string impactName(const Run& run, std::size_t metric) {
  return metric == 0 ? "impact" : "impact_" + std::string(name(run.settings.metrics[metric]));
}

double jointOf(const Component& component, Metric metric) {
  const auto found = component.joint.find(std::string(name(metric)));
  return found == component.joint.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

std::vector<NumberOf> wholeImpactColumns(const Run& run) {
  std::vector<NumberOf> columns;
  for (std::size_t m = 0; m < run.settings.metrics.size(); ++m) {
    const Metric metric = run.settings.metrics[m];
    columns.push_back({impactName(run, m), [metric](const Component& one) { return jointOf(one, metric); }});
  }
  columns.push_back({"standard_error", [](const Component& one) { return one.standard_error; }});
  columns.push_back({"sum", [](const Component& one) { return one.sum; }});
  columns.push_back({"magnitude", [](const Component& one) { return one.magnitude; }});
  return columns;
}

std::vector<NumberOf> groupColumns(const Run& run) {
  std::vector<NumberOf> columns;
  for (std::size_t g = 0; g < run.groups.size(); ++g) {
    const std::string of = "[" + std::string(name(run.settings.by)) + "=" + run.groups[g].name + "]";
    for (std::size_t m = 0; m < run.settings.metrics.size(); ++m) {
      const Metric metric = run.settings.metrics[m];
      columns.push_back(
          {impactName(run, m) + of, [metric, g](const Component& one) { return groupImpact(one, metric, g); }});
    }
    columns.push_back({"standard_error" + of, [g](const Component& one) { return groupError(one, g); }});
  }
  return columns;
}

std::vector<NumberOf> numberColumns(const Run& run) {
  auto columns = wholeImpactColumns(run);
  for (auto& one : groupColumns(run)) columns.push_back(std::move(one));
  return columns;
}

std::string namesJson(const auto& list) {
  auto names = nlohmann::json::array();
  for (const auto& one : list) names.push_back(one.name);
  return names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::size_t exportComponents(const Run& run, const std::filesystem::path& file) {
  const auto texts = textColumns();
  const auto wholes = wholeColumns();
  const auto numbers = numberColumns(run);
  std::vector<std::string> names;
  for (const auto& one : texts) names.push_back(one.name);
  for (const auto& one : wholes) names.push_back(one.name);
  for (const auto& one : numbers) names.push_back(one.name);
  CsvWriter table(file, names);
  for (const Component& component : run.components) {
    for (const auto& one : texts) {
      const auto text = one.value(component);
      text.empty() ? table.missing() : table.cell(text);
    }
    for (const auto& one : wholes) {
      const auto number = one.value(component);
      number ? table.cell(*number) : table.missing();
    }
    for (const auto& one : numbers) table.cell(one.value(component));
    table.endRow();
  }
  table.commit();
  return run.components.size();
}

std::size_t exportComponentsNpz(const Run& run, const std::filesystem::path& file) {
  ZipWriter archive(file);
  for (const auto& one : textColumns()) {
    TextColumn column;
    for (const Component& component : run.components) column.push(one.value(component));
    column.write(archive, one.name);
  }
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(run.components.size())};
  const auto add = [&](const std::string& name, Scalar scalar, std::span<const std::byte> bytes) {
    const std::string head = makeNpyHeader(scalar, shape);
    archive.add(name + ".npy", std::as_bytes(std::span(head)), bytes);
  };
  for (const auto& one : wholeColumns()) {
    std::vector<std::int64_t> values;
    for (const Component& component : run.components) values.push_back(one.value(component).value_or(-1));
    add(one.name, Scalar::i64, std::as_bytes(std::span(values)));
  }
  for (const auto& one : numberColumns(run)) {
    std::vector<double> values;
    for (const Component& component : run.components) values.push_back(one.value(component));
    add(one.name, Scalar::f64, std::as_bytes(std::span(values)));
  }
  archive.commit();
  return run.components.size();
}

std::size_t exportComponentsSafetensors(const Run& run, const std::filesystem::path& file) {
  const auto components = static_cast<std::int64_t>(run.components.size());
  const auto groups = static_cast<std::int64_t>(run.groups.size());
  std::vector<StoredTensor> tensors;
  std::vector<std::int64_t> weights;
  for (const Component& component : run.components) weights.push_back(component.weights);
  tensors.push_back(storeTensor("weights", {components}, std::span<const std::int64_t>(weights)));
  for (const auto& one : wholeImpactColumns(run)) {
    std::vector<double> values;
    for (const Component& component : run.components) values.push_back(one.value(component));
    tensors.push_back(storeTensor(one.name, {components}, std::span<const double>(values)));
  }
  const auto addTable = [&](const std::string& name, const std::function<double(const Component&, std::size_t)>& of) {
    std::vector<double> values;
    for (const Component& component : run.components) {
      for (std::size_t g = 0; g < run.groups.size(); ++g) values.push_back(of(component, g));
    }
    tensors.push_back(storeTensor(name + "_by_group", {components, groups}, std::span<const double>(values)));
  };
  if (groups > 0) {
    for (std::size_t m = 0; m < run.settings.metrics.size(); ++m) {
      const Metric metric = run.settings.metrics[m];
      addTable(impactName(run, m),
               [metric](const Component& one, std::size_t g) { return groupImpact(one, metric, g); });
    }
    addTable("standard_error", groupError);
  }
  writeSafetensors(file, viewsOf(tensors),
                   {{"format", "heft"},
                    {"components", namesJson(run.components)},
                    {"groups", namesJson(run.groups)},
                    {"by", std::string(name(run.settings.by))}});
  return run.components.size();
}

}  // namespace heft
