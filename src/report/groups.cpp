#include "report/groups.hpp"

#include <algorithm>

namespace heft {
namespace {

/// The parameters whose rows are a unit's incoming weights.
std::vector<std::size_t> incomingOf(const Run& run, const RecurrentLayerInfo& layer) {
  const auto parts = static_cast<std::int64_t>(std::max<std::size_t>(layer.gates.size(), 1));
  std::vector<std::size_t> found;
  for (const std::int64_t each : {layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh}) {
    if (each < 0) continue;
    const auto parameter = static_cast<std::size_t>(each);
    if (run.structure.parameters[parameter].rows() == parts * layer.units) found.push_back(parameter);
  }
  return found;
}

void addLayer(const Run& run, const RecurrentLayerInfo& layer, Groups& groups) {
  const auto units = static_cast<std::size_t>(std::max<std::int64_t>(layer.units, 0));
  const std::size_t parts = std::max<std::size_t>(layer.gates.size(), 1);
  std::vector<SignedSums> by_gate(parts), by_unit(units);
  for (const std::size_t parameter : incomingOf(run, layer)) {
    for (std::size_t gate = 0; gate < parts; ++gate) {
      for (std::size_t unit = 0; unit < units; ++unit) {
        const SignedSums& row = groups.rows[parameter][gate * units + unit];
        by_gate[gate] += row;
        by_unit[unit] += row;
      }
    }
  }
  if (parts > 1) {
    for (std::size_t gate = 0; gate < parts; ++gate)
      groups.gates.push_back({layer.name + ":gate=" + layer.gates[gate], Level::gate, by_gate[gate]});
  }
  groups.units.push_back({layer.name, std::move(by_unit)});
}

}  // namespace

std::string layerNameOf(const Structure& structure, std::size_t parameter) {
  const ParameterInfo& info = structure.parameters[parameter];
  if (info.layer >= 0) return structure.layers[static_cast<std::size_t>(info.layer)].name;
  const std::size_t dot = info.name.rfind('.');
  return dot == std::string::npos ? "" : info.name.substr(0, dot);
}

Aggregate aggregateOf(Metric metric) noexcept {
  const auto reduction = facts(metric).reduction;
  const bool length = reduction == Reduction::root_of_mean || reduction == Reduction::largest;
  return length ? Aggregate::root_of_squares : Aggregate::sum;
}

Groups groupsOf(const Run& run) {
  Groups groups;
  for (std::size_t p = 0; p < run.structure.parameters.size(); ++p) {
    const ParameterInfo& info = run.structure.parameters[p];
    const ParameterImpacts& impacts = run.impacts[p];
    const auto columns = static_cast<std::size_t>(std::max<std::int64_t>(info.columns(), 1));
    groups.rows.push_back(sumsByRow(impacts.weight, impacts.impact, impacts.measured, columns));
    Group matrix{info.name, Level::matrix, {}};
    for (const SignedSums& row : groups.rows.back()) matrix.sums += row;
    groups.model += matrix.sums;
    const std::string name = layerNameOf(run.structure, p);
    if (!name.empty()) {
      auto layer = std::find_if(groups.layers.begin(), groups.layers.end(),
                                [&](const Group& each) { return each.name == name; });
      if (layer == groups.layers.end()) layer = groups.layers.insert(layer, {name, Level::layer, {}});
      layer->sums += matrix.sums;
    }
    groups.matrices.push_back(std::move(matrix));
  }
  for (const RecurrentLayerInfo& layer : run.structure.layers) addLayer(run, layer, groups);
  return groups;
}

}  // namespace heft
