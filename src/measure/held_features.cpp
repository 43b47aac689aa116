#include "measure/held_features.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/change_scope.hpp"
#include "heft/error.hpp"
#include "measure/component.hpp"
#include "measure/session.hpp"

namespace heft {
namespace {

constexpr int64_t kMostFeatures = 256;
constexpr size_t kTopUnits = 5;

/// Runs with one input in place of the model's own.
class Held {
 public:
  Held(Session& session, size_t argument) : session_(session), argument_(argument) {}

  /// The outputs [samples, elements] with the input set to `value` and the weights of `variant` changed.
  at::Tensor outputs(const at::Tensor& value, const Variant& variant) {
    const ChangeScope changed(session_.model(), variant);
    auto values = session_.runner().inputs().values;
    values[argument_] = value;
    PlainHandler handler(session_.model());
    return session_.layout().table(session_.runner().run(handler, values)).clone();
  }

 private:
  Session& session_;
  size_t argument_;
};

Variant without(const Component& component) {
  Variant variant;
  for (const auto& set : component.sets)
    variant.changes.push_back({set.parameter, set.index, std::vector<double>(set.index.size(), 0.0)});
  return variant;
}

/// The argument whose last dimension is features.
std::optional<size_t> featureInput(Session& session) {
  const auto& values = session.runner().inputs().values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].isTensor() || !at::isFloatingType(values[i].toTensor().scalar_type())) continue;
    const auto& tensor = values[i].toTensor();
    if (tensor.dim() < 2 || tensor.size(-1) > kMostFeatures || tensor.numel() == 0) return std::nullopt;
    return i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<HeldFeatures> holdFeatures(Session& session, std::span<const std::string> names,
                                         const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  const auto argument = featureInput(session);
  if (!argument) {
    if (names.empty()) return std::nullopt;
    throw Error(Fault::usage,
                "--feature-names: the model has no floating input of at least two dimensions whose last has at most " +
                    std::to_string(kMostFeatures) + " features, so there is nothing to name");
  }
  const auto given = session.runner().inputs().values[*argument].toTensor();
  const auto features = given.size(-1);
  if (!names.empty() && std::ssize(names) != features) {
    throw Error(Fault::usage, "--feature-names: " + std::to_string(names.size()) + " names for " +
                                  std::to_string(features) + " features; a name a line was expected");
  }
  HeldFeatures found;
  for (int64_t f = 0; f < features; ++f)
    found.names.push_back(names.empty() ? "feature " + std::to_string(f) : names[static_cast<size_t>(f)]);

  const auto& structure = session.structure();
  const auto groups = groupsAt(structure, {Level::layer, Level::gate});
  std::vector<Component> units;
  for (const auto& layer : structure.layers) {
    if (layer.index != 0) continue;
    for (int64_t unit = 0; unit < layer.units; ++unit)
      units.push_back(parseComponent(structure, layer.name + ":unit=" + std::to_string(unit)));
  }
  // Units are many: they are looked at where that stays within some minutes.
  const double runs = static_cast<double>(units.size()) * static_cast<double>(features + 1);
  if (runs * session.runSeconds() > 60) units.clear();
  std::vector<const Component*> all;
  for (const auto& one : groups) all.push_back(&one);
  for (const auto& one : units) all.push_back(&one);

  Held held(session, *argument);
  const auto rms = [](const at::Tensor& change) { return change.square().mean().sqrt().item<double>(); };
  std::vector<double> whole(all.size());
  for (size_t g = 0; g < all.size(); ++g) whole[g] = rms(held.outputs(given, without(*all[g])) - session.baseline());
  std::vector<std::vector<double>> share(all.size());
  for (int64_t f = 0; f < features; ++f) {
    auto value = given.clone();
    const auto column = value.select(-1, f);
    column.fill_(column.mean());
    const auto baseline = held.outputs(value, {});
    for (size_t g = 0; g < all.size(); ++g) {
      const double impact = rms(held.outputs(value, without(*all[g])) - baseline);
      share[g].push_back(whole[g] > session.noise() ? 1 - impact / whole[g] : std::numeric_limits<double>::quiet_NaN());
      progress((static_cast<double>(f) + static_cast<double>(g + 1) / static_cast<double>(all.size())) /
               static_cast<double>(features));
    }
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    found.groups.push_back(groups[g].name);
    found.share.push_back(share[g]);
  }
  found.top_units.resize(static_cast<size_t>(features));
  for (size_t f = 0; f < found.top_units.size() && !units.empty(); ++f) {
    std::vector<std::pair<std::string, double>> some;
    for (size_t u = 0; u < units.size(); ++u) {
      const double one = share[groups.size() + u][f];
      if (!std::isnan(one)) some.emplace_back(units[u].name, one);
    }
    std::stable_sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    some.resize(std::min(some.size(), kTopUnits));
    found.top_units[f] = std::move(some);
  }
  return found;
}

}  // namespace heft
