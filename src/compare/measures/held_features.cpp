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

}  // namespace

std::optional<HeldFeatures> holdFeatures(Session& session, std::span<const std::string> names,
                                         const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  checkFeatureNames(session, names);
  const auto input = inputFeatures(session);
  if (!input) return std::nullopt;
  const auto given = session.runner().inputs().values[input->argument].toTensor();
  const auto& structure = session.structure();
  const auto affordable = static_cast<size_t>(kMostOperations / std::max(forwardCost(session).operations(), 1.0));
  auto groups = groupsAt(structure, {Level::layer, Level::gate});
  if ((groups.size() + 1) * static_cast<size_t>(input->count) > affordable)
    groups = groupsAt(structure, {Level::layer});
  const auto features = heldOf(given, static_cast<int64_t>(affordable / (groups.size() + 1)));
  if (features.empty()) return std::nullopt;
  HeldFeatures found;
  for (const auto f : features)
    found.names.push_back(names.empty() ? "feature " + std::to_string(f) : names[static_cast<size_t>(f)]);

  size_t count = 0;
  for (const auto& layer : structure.layers) count += layer.index == 0 ? static_cast<size_t>(layer.units) : 0;
  std::vector<Component> units;
  for (const auto& layer : structure.layers) {
    if (layer.index != 0 || count * (features.size() + 1) > affordable) continue;
    for (int64_t unit = 0; unit < layer.units; ++unit)
      units.push_back(parseComponent(structure, layer.name + ":unit=" + std::to_string(unit)));
  }
  std::vector<const Component*> all;
  for (const auto& one : groups) all.push_back(&one);
  for (const auto& one : units) all.push_back(&one);

  const auto rms = [](const at::Tensor& change) { return change.square().mean().sqrt().item<double>(); };
  const auto outputsHeld = [&](size_t f) {
    auto inputs = session.runner().inputs().values;
    auto value = given.clone();
    const auto column = value.select(-1, features[f]);
    column.fill_(column.mean());
    inputs[input->argument] = value;
    return outputsOf(session, inputs);
  };
  std::vector<double> whole;
  std::vector<std::vector<double>> share(all.size());
  double done = 0;
  // A group is taken away once for many features: that takes as long as a run.
  const auto many = std::max<size_t>(1, kMostBytes / session.baseline().nbytes());
  for (size_t first = 0; first < features.size(); first += many) {
    const auto last = std::min(features.size(), first + many);
    std::vector<at::Tensor> baseline;
    for (size_t f = first; f < last; ++f) baseline.push_back(outputsHeld(f));
    for (size_t g = 0; g < all.size(); ++g) {
      const ZeroScope zeroed(session.model(), masksOf(structure, *all[g]));
      if (first == 0) whole.push_back(rms(outputsOf(session) - session.baseline()));
      for (size_t f = first; f < last; ++f) {
        const double impact = rms(outputsHeld(f) - baseline[f - first]);
        share[g].push_back(whole[g] > session.noise() ? 1 - impact / whole[g]
                                                      : std::numeric_limits<double>::quiet_NaN());
        progress(++done / static_cast<double>(all.size() * features.size()));
      }
    }
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    found.groups.push_back(groups[g].name);
    found.share.push_back(share[g]);
  }
  found.top_units.resize(features.size());
  for (size_t f = 0; f < found.top_units.size() && !units.empty(); ++f) {
    std::vector<std::pair<std::string, double>> some;
    for (size_t u = 0; u < units.size(); ++u) {
      const double one = share[groups.size() + u][f];
      if (one > 0) some.emplace_back(units[u].name, one);
    }
    std::stable_sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    some.resize(std::min(some.size(), kTopUnits));
    found.top_units[f] = std::move(some);
  }
  return found;
}

}  // namespace heft
