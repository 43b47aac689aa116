#include "measure/weights/layer_parts.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace heft {
namespace {

std::int64_t gatesOf(const RecurrentLayerInfo& layer) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(layer.gates.size()));
}

const ParameterInfo& infoOf(const Structure& structure, std::int64_t parameter) {
  return structure.parameters[static_cast<std::size_t>(parameter)];
}

/// The unit's row in every gate.
void addUnitRows(WeightSets& sets, const RecurrentLayerInfo& layer, std::int64_t parameter, std::int64_t unit) {
  for (std::int64_t gate = 0; gate < gatesOf(layer); ++gate) sets.addRows(parameter, gate * layer.units + unit, 1);
}

/// Of the layer's stacked gates rows `first` to `first + count`: what further weights have of them.
void addFurtherRows(WeightSets& sets, const Structure& structure, const RecurrentLayerInfo& layer,
                    std::string_view role, std::int64_t first, std::int64_t count) {
  for (const FurtherWeights& one : layer.further) {
    if (!role.empty() && one.role != role) continue;
    const ParameterInfo& info = infoOf(structure, one.parameter);
    const std::int64_t size = one.by_column ? info.columns() : info.rows();
    for (std::int64_t i = std::max<std::int64_t>(0, first - one.first_row);
         i < std::min(size, first + count - one.first_row); ++i) {
      if (one.by_column)
        sets.addColumn(one.parameter, i);
      else
        sets.addRows(one.parameter, i, 1);
    }
  }
}

/// The unit's row in every gate of the layer's own parameters and of further ones.
void addIncoming(WeightSets& sets, const Structure& structure, const RecurrentLayerInfo& layer, std::int64_t unit) {
  for (const std::int64_t p : {layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh})
    addUnitRows(sets, layer, p, unit);
  for (std::int64_t gate = 0; gate < gatesOf(layer); ++gate)
    addFurtherRows(sets, structure, layer, "", gate * layer.units + unit, 1);
}

void addReaders(WeightSets& sets, const RecurrentLayerInfo& layer, std::int64_t unit) {
  for (const Reader& reader : layer.readers) {
    if (static_cast<std::size_t>(unit) >= reader.column_of_unit.size()) continue;
    const std::int64_t place = reader.column_of_unit[static_cast<std::size_t>(unit)];
    if (place < 0) continue;
    if (reader.by_row)
      sets.addRows(reader.parameter, place, 1);
    else
      sets.addColumn(reader.parameter, place);
  }
}

}  // namespace

std::vector<std::int64_t>& WeightSets::of(std::int64_t parameter) {
  for (WeightSet& set : sets_) {
    if (set.parameter == parameter) return set.index;
  }
  return sets_.emplace_back(WeightSet{parameter, {}}).index;
}

void WeightSets::addAll(std::int64_t parameter) {
  if (parameter >= 0) addRows(parameter, 0, infoOf(structure_, parameter).rows());
}

void WeightSets::addRows(std::int64_t parameter, std::int64_t first, std::int64_t count) {
  if (parameter < 0) return;
  const std::int64_t columns = infoOf(structure_, parameter).columns();
  auto& index = of(parameter);
  const std::size_t before = index.size();
  index.resize(before + static_cast<std::size_t>(count * columns));
  std::iota(index.begin() + static_cast<std::ptrdiff_t>(before), index.end(), first * columns);
}

void WeightSets::addColumn(std::int64_t parameter, std::int64_t column) {
  if (parameter < 0) return;
  const ParameterInfo& info = infoOf(structure_, parameter);
  auto& index = of(parameter);
  for (std::int64_t row = 0; row < info.rows(); ++row) index.push_back(row * info.columns() + column);
}

std::vector<WeightSet> WeightSets::take() {
  for (WeightSet& set : sets_) {
    // As rows come: ascending, each once.
    if (std::adjacent_find(set.index.begin(), set.index.end(), std::greater_equal<>()) == set.index.end()) continue;
    std::sort(set.index.begin(), set.index.end());
    set.index.erase(std::unique(set.index.begin(), set.index.end()), set.index.end());
  }
  std::erase_if(sets_, [](const WeightSet& set) { return set.index.empty(); });
  std::sort(sets_.begin(), sets_.end(),
            [](const WeightSet& x, const WeightSet& y) { return x.parameter < y.parameter; });
  return std::move(sets_);
}

Component layerComponent(const Structure& structure, const RecurrentLayerInfo& layer) {
  WeightSets sets(structure);
  for (const std::int64_t p : {layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh, layer.weight_hr})
    sets.addAll(p);
  for (const FurtherWeights& one : layer.further) sets.addAll(one.parameter);
  return {layer.name, Level::layer, "", sets.take()};
}

Component gateComponent(const Structure& structure, const RecurrentLayerInfo& layer, std::size_t gate) {
  WeightSets sets(structure);
  for (const std::int64_t p : {layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh})
    sets.addRows(p, static_cast<std::int64_t>(gate) * layer.units, layer.units);
  addFurtherRows(sets, structure, layer, "", static_cast<std::int64_t>(gate) * layer.units, layer.units);
  return {layer.name + ":gate=" + layer.gates[gate], Level::gate, "", sets.take()};
}

Component unitComponent(const Structure& structure, const RecurrentLayerInfo& layer, std::int64_t unit, UnitPath path) {
  const bool projects = layer.weight_hr >= 0;
  const auto goes = [&](UnitPath wanted) { return path == wanted || path == UnitPath::all; };
  WeightSets sets(structure);
  if (goes(UnitPath::incoming)) addIncoming(sets, structure, layer, unit);
  if (goes(UnitPath::outgoing)) {
    sets.addColumn(projects ? layer.weight_hr : layer.weight_hh, unit);
    if (!projects) addReaders(sets, layer, unit);
  }
  if (goes(UnitPath::recurrent)) {
    addUnitRows(sets, layer, layer.weight_hh, unit);
    for (std::int64_t gate = 0; gate < gatesOf(layer); ++gate)
      addFurtherRows(sets, structure, layer, "weight_hh", gate * layer.units + unit, 1);
    if (!projects) sets.addColumn(layer.weight_hh, unit);
  }
  std::string text = layer.name + ":unit=" + std::to_string(unit);
  if (path != UnitPath::all) text += ":path=" + std::string(name(path));
  return {std::move(text), Level::unit, std::string(name(path)), sets.take()};
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> plainModules(const Structure& structure) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> modules;
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const ParameterInfo& parameter = structure.parameters[p];
    const std::string_view module = moduleOf(parameter.name);
    const auto is_taken = [&](const auto& other) { return other.name == module; };
    if (parameter.layer >= 0 || module.empty()) continue;
    if (std::any_of(structure.layers.begin(), structure.layers.end(), is_taken)) continue;
    if (std::any_of(structure.parameters.begin(), structure.parameters.end(), is_taken)) continue;
    auto found = std::find_if(modules.begin(), modules.end(), [&](const auto& m) { return m.first == module; });
    if (found == modules.end()) found = modules.insert(found, {std::string(module), {}});
    found->second.push_back(static_cast<std::int64_t>(p));
  }
  return modules;
}

Component moduleComponent(const Structure& structure, const std::string& module,
                          const std::vector<std::int64_t>& parameters) {
  WeightSets sets(structure);
  for (const std::int64_t p : parameters) sets.addAll(p);
  return {module, Level::layer, "", sets.take()};
}

std::string_view moduleOf(std::string_view parameter) noexcept {
  const std::size_t dot = parameter.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : parameter.substr(0, dot);
}

}  // namespace heft
