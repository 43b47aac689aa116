#include <algorithm>
#include <map>

#include "analysis/rank_statistics.hpp"
#include "data/words.hpp"
#include "model/weight_label.hpp"
#include "report/hierarchy.hpp"

namespace heft {
namespace {

constexpr std::size_t weightsShown = 3;  // of a row
constexpr std::size_t fewestRows = 2, mostRows = 12;

class Builder {
 public:
  Builder(const Run& run, const Groups& groups, std::size_t most) : run_(run), groups_(groups) {
    const std::string metric(name(run.settings.metrics.front()));
    for (const ComponentImpact& each : run.components) {
      const auto found = each.joint.find(metric);
      if (found != each.joint.end()) joint_[each.name] = found->second;
    }
    std::size_t blocks = 1;
    for (const ParameterInfo& info : run.structure.parameters) blocks += std::max<std::size_t>(info.gates.size(), 1);
    rows_shown_ = std::clamp(most / (blocks * (weightsShown + 2)), fewestRows, mostRows);
    how_ = aggregateOf(run.settings.metrics.front());
  }

  std::vector<HierarchyNode> nodes() {
    add("model", "", "model", -1, groups_.model.all());
    for (std::size_t p = 0; p < run_.structure.parameters.size(); ++p) {
      if (groups_.matrices[p].sums.all().weights > 0) addMatrix(p);
    }
    return std::move(nodes_);
  }

 private:
  std::ptrdiff_t add(std::string label, const std::string& component, std::string level, std::ptrdiff_t parent,
                     const ImpactSums& sums) {
    HierarchyNode node{std::move(label), component, std::move(level), parent, sums, std::nullopt};
    const auto found = joint_.find(component);
    if (!component.empty() && found != joint_.end()) node.joint = found->second;
    nodes_.push_back(std::move(node));
    return static_cast<std::ptrdiff_t>(nodes_.size()) - 1;
  }

  /// The node of a parameter's layer, or of its direction where the layer has two; made where it isn't there.
  std::ptrdiff_t layerNode(std::size_t parameter) {
    const std::string component = layerNameOf(run_.structure, parameter);
    if (component.empty()) return 0;
    const auto known = layers_.find(component);
    if (known != layers_.end()) return known->second;
    const auto sums = std::find_if(groups_.layers.begin(), groups_.layers.end(),
                                   [&](const Group& each) { return each.name == component; });
    const ImpactSums all = sums->sums.all();
    const std::int64_t layer = run_.structure.parameters[parameter].layer;
    const std::ptrdiff_t node = layer >= 0 && hasTwoDirections(static_cast<std::size_t>(layer))
                                    ? directionNode(static_cast<std::size_t>(layer), component, all)
                                    : add(component, component, "layer", 0, all);
    return layers_[component] = node;
  }

  static std::string stemOf(const RecurrentLayerInfo& layer) {
    constexpr std::string_view suffix = "_reverse";
    const bool cut = layer.reverse && layer.name.ends_with(suffix);
    return cut ? layer.name.substr(0, layer.name.size() - suffix.size()) : layer.name;
  }

  bool hasTwoDirections(std::size_t layer) const {
    const std::string stem = stemOf(run_.structure.layers[layer]);
    return std::count_if(run_.structure.layers.begin(), run_.structure.layers.end(),
                         [&](const RecurrentLayerInfo& each) { return stemOf(each) == stem; }) > 1;
  }

  std::ptrdiff_t directionNode(std::size_t layer, const std::string& component, const ImpactSums& sums) {
    const std::string stem = stemOf(run_.structure.layers[layer]);
    auto found = both_.find(stem);
    if (found == both_.end()) found = both_.emplace(stem, add(stem + ", both directions", "", "layer", 0, {})).first;
    nodes_[static_cast<std::size_t>(found->second)].sums += sums;
    return add(run_.structure.layers[layer].reverse ? "reverse" : "forward", component, "direction", found->second,
               sums);
  }

  void addMatrix(std::size_t p) {
    const ParameterInfo& info = run_.structure.parameters[p];
    const Group& matrix = groups_.matrices[p];
    const std::ptrdiff_t node = add(info.name, info.name, "matrix", layerNode(p), matrix.sums.all());
    const std::size_t rows = groups_.rows[p].size();
    const std::size_t gates = info.gates.empty() || rows % info.gates.size() != 0 ? 1 : info.gates.size();
    const std::size_t units = rows / gates;
    for (std::size_t g = 0; g < gates; ++g) {
      ImpactSums sums;
      for (std::size_t r = g * units; r < (g + 1) * units; ++r) sums += groups_.rows[p][r].all();
      if (sums.weights == 0) continue;
      const std::ptrdiff_t parent =
          gates == 1 ? node : add(info.gates[g], info.name + ":gate=" + info.gates[g], "gate", node, sums);
      addRows(p, g * units, units, sums, parent);
    }
  }

  void addRows(std::size_t p, std::size_t first, std::size_t count, const ImpactSums& whole, std::ptrdiff_t parent) {
    std::vector<double> of_rows(count);
    for (std::size_t r = 0; r < count; ++r) of_rows[r] = additive(groups_.rows[p][first + r].all(), how_);
    const ParameterInfo& info = run_.structure.parameters[p];
    const bool vector = info.columns() == 1;
    ImpactSums shown;
    std::size_t rows = 0;
    for (const std::size_t r : largest(std::span<const double>(of_rows), rows_shown_)) {
      const ImpactSums sums = groups_.rows[p][first + r].all();
      if (sums.weights == 0) continue;
      const std::string unit = (info.layer >= 0 ? "unit " : "row ") + std::to_string(r);
      const auto flat = static_cast<std::int64_t>(first + r);
      const std::string component =
          vector ? weightLabel(info, flat)
                 : info.name + "[" + std::to_string(flat) + (info.shape.size() == 2 ? ",:]" : "]");
      const std::ptrdiff_t node = add(unit, component, "unit", parent, sums);
      if (!vector) addWeights(p, first + r, sums, node);
      shown += sums;
      ++rows;
    }
    addOthers(whole, shown, parent, info.layer >= 0 ? "unit" : "row", count - rows);
  }

  void addWeights(std::size_t p, std::size_t row, const ImpactSums& whole, std::ptrdiff_t parent) {
    const ParameterInfo& info = run_.structure.parameters[p];
    const ParameterImpacts& from = run_.impacts[p];
    const auto columns = static_cast<std::size_t>(info.columns());
    ImpactSums shown;
    for (const std::size_t c : largest(std::span(from.impact).subspan(row * columns, columns), weightsShown)) {
      const std::size_t flat = row * columns + c;
      ImpactSums one;
      one.add(from.impact[flat], from.measured[flat] != 0);
      const std::string label = weightLabel(info, static_cast<std::int64_t>(flat));
      add(label.substr(label.rfind('[')), label, "weight", parent, one);
      shown += one;
    }
    addOthers(whole, shown, parent, "weight", whole.weights - shown.weights);
  }

  void addOthers(const ImpactSums& whole, const ImpactSums& shown, std::ptrdiff_t parent, const std::string& noun,
                 std::size_t count) {
    if (whole.weights <= shown.weights) return;
    ImpactSums rest;
    rest.weights = whole.weights - shown.weights;
    rest.executed = whole.executed - std::min(shown.executed, whole.executed);
    rest.sum = std::max(whole.sum - shown.sum, 0.0);
    rest.squares = std::max(whole.squares - shown.squares, 0.0);
    add(counted(count, "other " + noun), "", "others", parent, rest);
  }

  const Run& run_;
  const Groups& groups_;
  Aggregate how_ = Aggregate::root_of_squares;
  std::size_t rows_shown_ = mostRows;
  std::map<std::string, double> joint_;
  std::map<std::string, std::ptrdiff_t> layers_, both_;
  std::vector<HierarchyNode> nodes_;
};

}  // namespace

std::vector<HierarchyNode> hierarchyOf(const Run& run, const Groups& groups, std::size_t most) {
  return Builder(run, groups, most).nodes();
}

}  // namespace heft
