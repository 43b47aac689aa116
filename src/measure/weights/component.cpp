#include "measure/weights/component.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include "data/printable.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/weights/block.hpp"
#include "measure/weights/layer_parts.hpp"
#include "measure/weights/near_names.hpp"

namespace heft {
namespace {

/// Reads one name; the members are what messages need.
class ComponentReader {
 public:
  ComponentReader(const Structure& structure, std::string_view text) : structure_(structure), text_(text) {}

  [[nodiscard]] Component read() {
    const auto [base, places] = splitPlaces(text_);
    if (places) return block(parameterOf(base), *places);
    const std::size_t colon = base.find(':');
    readQualifiers(colon == std::string_view::npos ? std::string_view() : base.substr(colon + 1));
    const std::string_view owner = base.substr(0, colon);
    if (const std::int64_t parameter = find(owner); parameter >= 0) return ofParameter(parameter);
    for (const RecurrentLayerInfo& layer : structure_.layers) {
      if (layer.name == owner) return ofLayer(layer);
    }
    for (const auto& [module, parameters] : plainModules(structure_)) {
      if (module == owner && !gate_ && !unit_) return moduleComponent(structure_, module, parameters);
      if (module == owner)
        refuse(module + " is no recurrent layer; gates and units belong to: " + joined(layerNames(), ", "));
    }
    auto known = parameterNames(structure_);
    for (const auto& layer : layerNames()) known.push_back(layer);
    for (const auto& [module, parameters] : plainModules(structure_)) known.push_back(module);
    refuse("nothing is called '" + printable(owner) + "'; " + nearNames(owner, known));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(Fault::usage, "component '" + printable(text_) + "': " + why);
  }

  [[nodiscard]] std::vector<std::string> layerNames() const {
    std::vector<std::string> names;
    for (const RecurrentLayerInfo& layer : structure_.layers) names.push_back(layer.name);
    return names;
  }

  [[nodiscard]] std::int64_t find(std::string_view wanted) const {
    for (std::size_t p = 0; p < structure_.parameters.size(); ++p) {
      const auto& [name, tied] = std::tie(structure_.parameters[p].name, structure_.parameters[p].tied);
      if (name == wanted || std::find(tied.begin(), tied.end(), wanted) != tied.end())
        return static_cast<std::int64_t>(p);
    }
    return -1;
  }

  [[nodiscard]] std::int64_t parameterOf(std::string_view wanted) const {
    const std::int64_t parameter = find(wanted);
    if (parameter < 0)
      refuse("no parameter is called '" + printable(wanted) + "'; " + nearNames(wanted, parameterNames(structure_)));
    return parameter;
  }

  [[nodiscard]] const ParameterInfo& info(std::int64_t parameter) const {
    return structure_.parameters[static_cast<std::size_t>(parameter)];
  }

  /// "gate=NAME", "unit=N" or "unit=N:path=PATH".
  void readQualifiers(std::string_view text) {
    const bool given = text_.find(':') != std::string_view::npos;
    while (given) {
      const std::size_t end = text.find(':');
      const std::string_view item = text.substr(0, end);
      const std::size_t equal = std::min(item.find('='), item.size());
      const std::string_view key = item.substr(0, equal), value = item.substr(std::min(equal + 1, item.size()));
      auto* field = key == "gate" ? &gate_ : key == "unit" ? &unit_ : key == "path" ? &path_ : nullptr;
      if (field == nullptr || value.empty() || *field) {
        refuse("'" + printable(item) + "' was found; gate=NAME, unit=N or unit=N:path=PATH was expected");
      }
      *field = value;
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    if (gate_ && unit_) refuse("a gate and a unit are two components; name one of them");
    if (path_ && !unit_) refuse("a path goes with a unit, as in lstm.l0:unit=12:path=" + printable(*path_));
  }

  [[nodiscard]] std::size_t gateIn(std::span<const std::string> gates, const std::string& owner) const {
    const auto found = std::find(gates.begin(), gates.end(), *gate_);
    if (found == gates.end()) {
      refuse(owner + " has no gate '" + printable(*gate_) + "'; " +
             (gates.empty() ? "its rows are not stacked by gate" : "there are: " + joined(gates, ", ")));
    }
    return static_cast<std::size_t>(found - gates.begin());
  }

  [[nodiscard]] Component ofParameter(std::int64_t parameter) const {
    const ParameterInfo& of = info(parameter);
    WeightSets sets(structure_);
    if (unit_) {
      refuse(of.name + " is a parameter, units belong to layers" +
             (structure_.layers.empty() ? ", of which there are none" : ": " + joined(layerNames(), ", ")));
    }
    if (gate_) {
      const std::size_t gate = gateIn(of.gates, of.name);
      const std::int64_t rows = of.rows() / static_cast<std::int64_t>(of.gates.size());
      sets.addRows(parameter, static_cast<std::int64_t>(gate) * rows, rows);
      return {of.name + ":gate=" + of.gates[gate], Level::gate, "", sets.take()};
    }
    sets.addAll(parameter);
    return {of.name, Level::matrix, "", sets.take()};
  }

  [[nodiscard]] Component ofLayer(const RecurrentLayerInfo& layer) const {
    if (gate_) return gateComponent(structure_, layer, gateIn(layer.gates, layer.name));
    if (!unit_) return layerComponent(structure_, layer);
    std::int64_t unit = 0;
    const auto [end, fault] = std::from_chars(unit_->data(), unit_->data() + unit_->size(), unit);
    const std::string units = layer.name + " has " + std::to_string(layer.units) + " units, counted from 0";
    if (fault != std::errc() || end != unit_->data() + unit_->size()) refuse("a unit is a number; " + units);
    if (unit < 0) unit += layer.units;
    if (unit < 0 || unit >= layer.units) refuse("unit " + printable(*unit_) + " is out of range; " + units);
    const UnitPath path = path_ ? parseUnitPath(*path_) : UnitPath::all;
    Component component = unitComponent(structure_, layer, unit, path);
    if (component.sets.empty()) refuse("the unit has no " + component.path + " weights");
    return component;
  }

  [[nodiscard]] Component block(std::int64_t parameter, std::string_view places) const {
    const ParameterInfo& of = info(parameter);
    const Block block = parseBlock(places, of);
    const auto single = [&](std::size_t d) { return block.slices[d].single; };
    const bool is_matrix = block.dims.size() == 2;
    Level level = Level::matrix;
    if (is_matrix ? single(0) && single(1) : block.dims.size() == 1 && single(0))
      level = Level::weight;
    else if (is_matrix && single(0) && block.full(1))
      level = Level::row;
    else if (is_matrix && block.full(0) && single(1))
      level = Level::column;
    return {blockName(of, block), level, "", {{parameter, block.places()}}};
  }

  const Structure& structure_;
  std::string_view text_;
  std::optional<std::string_view> gate_, unit_, path_;
};

}  // namespace

std::int64_t Component::weights() const {
  std::size_t sum = 0;
  for (const WeightSet& set : sets) sum += set.index.size();
  return static_cast<std::int64_t>(sum);
}

std::string_view name(UnitPath path) noexcept {
  switch (path) {
    case UnitPath::incoming:
      return "incoming";
    case UnitPath::outgoing:
      return "outgoing";
    case UnitPath::recurrent:
      return "recurrent";
    case UnitPath::all:
      break;
  }
  return "all";
}

UnitPath parseUnitPath(std::string_view text) {
  for (const UnitPath path : kUnitPaths) {
    if (name(path) == text) return path;
  }
  throw Error(Fault::usage,
              "unit path '" + printable(text) + "' is unknown; there are: incoming, outgoing, recurrent, all");
}

Component parseComponent(const Structure& structure, std::string_view text) {
  return ComponentReader(structure, text).read();
}

}  // namespace heft
