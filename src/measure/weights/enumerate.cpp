#include <algorithm>

#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "measure/weights/block.hpp"
#include "measure/weights/component.hpp"
#include "measure/weights/layer_parts.hpp"

namespace heft {
namespace {

bool isWithin(const Component& component, const Selection& selection) {
  return std::all_of(component.sets.begin(), component.sets.end(), [&](const WeightSet& set) {
    const auto& mask = selection.mask[static_cast<std::size_t>(set.parameter)];
    return !mask.empty() && std::all_of(set.index.begin(), set.index.end(),
                                        [&](std::int64_t i) { return mask[static_cast<std::size_t>(i)] != 0; });
  });
}

/// Keeps the components that the selection holds, and counts those there are.
struct Collector {
  const Selection& selection;
  std::vector<Component> kept{};
  std::size_t seen = 0;

  void take(Component component) {
    if (component.sets.empty()) return;
    ++seen;
    if (isWithin(component, selection)) kept.push_back(std::move(component));
  }
};

void takeRows(const Structure& structure, Collector& collector, bool columns) {
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const ParameterInfo& info = structure.parameters[p];
    if (info.shape.size() < 2) continue;
    const std::int64_t rows = info.rows(), width = info.columns();
    for (std::int64_t i = 0; i < (columns ? width : rows); ++i) {
      const Slice one{i, i + 1, 1, true};
      const Block block{{rows, width},
                        columns ? std::vector<Slice>{{0, rows}, one} : std::vector<Slice>{one, {0, width}}};
      collector.take({blockName(info, block),
                      columns ? Level::column : Level::row,
                      "",
                      {{static_cast<std::int64_t>(p), block.places()}}});
    }
  }
}

void takeUnits(const Structure& structure, std::span<const UnitPath> paths, Collector& collector) {
  for (const RecurrentLayerInfo& layer : structure.layers) {
    for (const UnitPath path : paths) {
      for (std::int64_t unit = 0; unit < layer.units; ++unit)
        collector.take(unitComponent(structure, layer, unit, path));
    }
  }
}

void takeGates(const Structure& structure, Collector& collector) {
  for (const RecurrentLayerInfo& layer : structure.layers) {
    for (std::size_t gate = 0; layer.gates.size() > 1 && gate < layer.gates.size(); ++gate)
      collector.take(gateComponent(structure, layer, gate));
  }
}

void takeMatrices(const Structure& structure, Collector& collector) {
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    WeightSets sets(structure);
    sets.addAll(static_cast<std::int64_t>(p));
    collector.take({structure.parameters[p].name, Level::matrix, "", sets.take()});
  }
}

void takeLayers(const Structure& structure, Collector& collector) {
  for (const RecurrentLayerInfo& layer : structure.layers) collector.take(layerComponent(structure, layer));
  for (const auto& [module, parameters] : plainModules(structure))
    collector.take(moduleComponent(structure, module, parameters));
}

[[noreturn]] void refuseEmpty(const std::string& level, std::size_t seen) {
  std::string text = "level ";
  text.append(level).append(": ");
  if (seen == 0) throw Error(Fault::usage, text.append("the model has no ").append(level));
  text.append("none of the model's ")
      .append(std::to_string(seen))
      .append(" lies wholly within " + settingName("parameters"));
  throw Error(Fault::usage, text.append("; select all the weights that a ").append(level).append(" consists of"));
}

}  // namespace

std::vector<Component> enumerateComponents(const Structure& structure, std::span<const Level> levels,
                                           const Selection& selection, std::span<const UnitPath> paths) {
  Collector collector{selection};
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const Level level = levels[l];
    if (level == Level::weight || std::find(levels.begin(), levels.begin() + static_cast<std::ptrdiff_t>(l), level) !=
                                      levels.begin() + static_cast<std::ptrdiff_t>(l))
      continue;
    const std::size_t kept = collector.kept.size();
    collector.seen = 0;
    switch (level) {
      case Level::weight:
        break;
      case Level::row:
        takeRows(structure, collector, false);
        break;
      case Level::column:
        takeRows(structure, collector, true);
        break;
      case Level::unit:
        takeUnits(structure, paths, collector);
        break;
      case Level::gate:
        takeGates(structure, collector);
        break;
      case Level::matrix:
        takeMatrices(structure, collector);
        break;
      case Level::layer:
        takeLayers(structure, collector);
        break;
    }
    if (collector.kept.size() > kept) continue;
    refuseEmpty(std::string(name(level)), collector.seen);
  }
  return std::move(collector.kept);
}

std::vector<Component> groupsAt(const Structure& structure, std::initializer_list<Level> levels) {
  std::vector<Component> groups;
  const auto all = select(structure, {});
  for (const auto level : levels) {
    try {
      for (auto& one : enumerateComponents(structure, {&level, 1}, all)) groups.push_back(std::move(one));
    } catch (const Error& error) {
      if (error.fault() != Fault::usage) throw;
    }
  }
  return groups;
}

}  // namespace heft
