#include "compare/measures/held_features.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "compare/measures/input_features.hpp"
#include "engine/execute/zero_scope.hpp"
#include "measure/rank/zeroed.hpp"
#include "measure/session/forward_cost.hpp"
#include "measure/session/session.hpp"
#include "measure/weights/component.hpp"

namespace heft {
namespace {

constexpr size_t kTopUnits = 5;
/// Operations (forward_cost.hpp) that running the model may take, for each of groups and units: some seconds. They are counted,
/// since what is measured must not depend on how fast a machine is.
constexpr double kMostOperations = 4e10;
constexpr size_t kMostBytes = 256 << 20;  // that outputs with features held may take at once

/// The features that vary most, as many as can be held in time, in their order.
std::vector<int64_t> heldOf(const at::Tensor& given, int64_t most) {
  const auto features = given.size(-1);
  const auto spread = given.to(at::kCPU, at::kDouble).reshape({-1, features}).std(0, false).contiguous();
  std::vector<int64_t> order(static_cast<size_t>(features));
  std::iota(order.begin(), order.end(), 0);
  const auto* by = spread.const_data_ptr<double>();
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return by[a] > by[b]; });
  order.resize(static_cast<size_t>(std::min(features, most)));
  std::sort(order.begin(), order.end());
  return order;
}

/// What fits into kMostOperations: `runs` of the model, for groups and for units.
struct Affordable {
  std::vector<Component> groups;  ///< layers and, where they fit, gates
  std::vector<int64_t> features;
  std::vector<Component> units;  ///< of the first recurrent layers, where they fit
};

std::vector<Component> affordableUnits(const Structure& structure, size_t features, size_t runs) {
  size_t count = 0;
  for (const auto& layer : structure.layers) count += layer.index == 0 ? static_cast<size_t>(layer.units) : 0;
  std::vector<Component> units;
  for (const auto& layer : structure.layers) {
    if (layer.index != 0 || count * (features + 1) > runs) continue;
    for (int64_t unit = 0; unit < layer.units; ++unit)
      units.push_back(parseComponent(structure, layer.name + ":unit=" + std::to_string(unit)));
  }
  return units;
}

Affordable affordableOf(Session& session, const at::Tensor& given, int64_t features) {
  const auto& structure = session.structure();
  const auto runs = static_cast<size_t>(kMostOperations / std::max(forwardCost(session).operations(), 1.0));
  Affordable found;
  found.groups = groupsAt(structure, {Level::layer, Level::gate});
  if ((found.groups.size() + 1) * static_cast<size_t>(features) > runs)
    found.groups = groupsAt(structure, {Level::layer});
  found.features = heldOf(given, static_cast<int64_t>(runs / (found.groups.size() + 1)));
  if (!found.features.empty()) found.units = affordableUnits(structure, found.features.size(), runs);
  return found;
}

/// HeldFeatures::share of `all`. `outputsHeld(f)`: the outputs with the f-th of `features` features held.
std::vector<std::vector<double>> sharesOf(Session& session, const std::vector<const Component*>& all, size_t features,
                                          const std::function<at::Tensor(size_t)>& outputsHeld,
                                          const std::function<void(double share)>& progress) {
  const auto rms = [](const at::Tensor& change) { return change.square().mean().sqrt().item<double>(); };
  std::vector<double> whole;
  std::vector<std::vector<double>> share(all.size());
  double done = 0;
  // A group is taken away once for many features: that takes as long as a run.
  const auto many = std::max<size_t>(1, kMostBytes / session.baseline().nbytes());
  for (size_t first = 0; first < features; first += many) {
    const auto last = std::min(features, first + many);
    std::vector<at::Tensor> baseline;
    for (size_t f = first; f < last; ++f) baseline.push_back(outputsHeld(f));
    for (size_t g = 0; g < all.size(); ++g) {
      const ZeroScope zeroed(session.model(), masksOf(session.structure(), *all[g]));
      if (first == 0) whole.push_back(rms(outputsOf(session) - session.baseline()));
      for (size_t f = first; f < last; ++f) {
        const double impact = rms(outputsHeld(f) - baseline[f - first]);
        share[g].push_back(whole[g] > session.noise() ? 1 - impact / whole[g]
                                                      : std::numeric_limits<double>::quiet_NaN());
        progress(++done / static_cast<double>(all.size() * features));
      }
    }
  }
  return share;
}

/// The units with the largest shares of one feature, the largest first. `share` is [units][features].
std::vector<std::pair<std::string, double>> topUnits(const std::vector<Component>& units,
                                                     std::span<const std::vector<double>> share, size_t feature) {
  std::vector<std::pair<std::string, double>> some;
  for (size_t u = 0; u < units.size(); ++u) {
    if (share[u][feature] > 0) some.emplace_back(units[u].name, share[u][feature]);
  }
  std::stable_sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  some.resize(std::min(some.size(), kTopUnits));
  return some;
}

}  // namespace

std::optional<HeldFeatures> holdFeatures(Session& session, std::span<const std::string> names,
                                         const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  checkFeatureNames(session, names);
  const auto input = inputFeatures(session);
  if (!input) return std::nullopt;
  const auto given = session.runner().inputs().values[input->argument].toTensor();
  const auto [groups, features, units] = affordableOf(session, given, input->count);
  if (features.empty()) return std::nullopt;
  HeldFeatures found;
  for (const auto f : features)
    found.names.push_back(names.empty() ? "feature " + std::to_string(f) : names[static_cast<size_t>(f)]);

  std::vector<const Component*> all;
  for (const auto& one : groups) all.push_back(&one);
  for (const auto& one : units) all.push_back(&one);
  const auto outputsHeld = [&, &held = features](size_t f) {
    auto inputs = session.runner().inputs().values;
    auto value = given.clone();
    const auto column = value.select(-1, held[f]);
    column.fill_(column.mean());
    inputs[input->argument] = value;
    return outputsOf(session, inputs);
  };
  const auto share = sharesOf(session, all, features.size(), outputsHeld, progress);
  for (size_t g = 0; g < groups.size(); ++g) {
    found.groups.push_back(groups[g].name);
    found.share.push_back(share[g]);
  }
  const auto of_units = std::span(share).subspan(groups.size());
  for (size_t f = 0; f < features.size(); ++f) found.top_units.push_back(topUnits(units, of_units, f));
  return found;
}

}  // namespace heft
