#include "engine/estimate/describe_sites.hpp"

#include <algorithm>

#include "engine/estimate/describe.hpp"
#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/forward/weight_functions.hpp"

namespace heft {
namespace {

const ParameterInfo& infoOf(const Structure& structure, int64_t parameter) {
  return structure.parameters[static_cast<size_t>(parameter)];
}

/// "fc" for "fc.weight"; other names stand for themselves, since a module may hold several such matrices.
std::string ownerOf(const std::string& parameter) {
  return parameter.ends_with(".weight") ? parameter.substr(0, parameter.size() - 7) : parameter;
}

SiteFacts& siteOf(std::vector<SiteFacts>& facts, const std::string& name, const std::string& kind) {
  for (auto& known : facts) {
    if (known.name == name && known.kind == kind) return known;
  }
  facts.emplace_back();
  facts.back().name = name;
  facts.back().kind = kind;
  return facts.back();
}

/// True when a name is new to the site.
bool addParameter(SiteFacts& facts, const std::string& name) {
  if (std::find(facts.parameters.begin(), facts.parameters.end(), name) != facts.parameters.end()) return false;
  facts.parameters.push_back(name);
  return true;
}

/// -1 stays -1.
int64_t inRole(const Model& model, int64_t index) { return index < 0 ? index : standingFor(model, index); }

const RecurrentLayerInfo* layerOf(const Model& model, const Structure& structure, const RecurrentSite& site) {
  const auto& parameters = site.parameters();
  for (const auto& layer : structure.layers) {
    if (layer.weight_ih == inRole(model, parameters[RecurrentSite::weight_ih]) &&
        layer.weight_hh == inRole(model, parameters[RecurrentSite::weight_hh]))
      return &layer;
  }
  return nullptr;
}

void addRecurrent(std::vector<SiteFacts>& facts, const Model& model, const Structure& structure,
                  const RecurrentSite& site) {
  const auto* layer = layerOf(model, structure, site);
  auto& found = siteOf(facts, layer == nullptr ? "" : stackName(layer->name), cellName(site.cell()));
  const bool first = !found.recurrent;
  bool fresh = false;
  for (const auto& use : site.uses()) {
    for (const auto parameter : parametersBehind(model, use.parameter))
      fresh |= addParameter(found, infoOf(structure, parameter).name);
  }
  if (first) {
    found.recurrent = true;
    found.layers = 0;
    found.directions = 1;
    found.gates = gateNames(site.cell());
    found.cell = site.form().cell;
    found.packed = site.form().packed;
    if (!found.cell && !found.packed) found.batch_first = site.form().batch_first;
    found.calls = found.steps = 0;
  }
  // The first layer counts for all: each call runs every one of them.
  if (first || (layer != nullptr && layer->index == 0 && !layer->reverse)) {
    *found.calls += site.calls();
    *found.steps += site.steps();
  }
  if (layer == nullptr) return;
  if (first) {
    found.inputs = layer->inputs;
    found.outputs = layer->units;
    if (layer->weight_hr >= 0) found.projection = layer->emitted;
  }
  if (fresh && !layer->reverse) ++*found.layers;
  if (layer->reverse) found.directions = 2;
}

void addPlain(std::vector<SiteFacts>& facts, const Model& model, const Structure& structure, const Site& site) {
  const auto uses = site.uses();
  if (uses.empty()) return;
  const auto standing = standingFor(model, uses[0].parameter);
  const auto behind = parametersBehind(model, uses[0].parameter);
  if (behind.empty()) return;
  const auto& info = infoOf(structure, standing >= 0 ? standing : behind[0]);
  auto& found = siteOf(facts, ownerOf(info.name), site.name() == "gradient" ? "other" : site.name());
  const bool first = found.parameters.empty();
  for (const auto& use : uses) {
    for (const auto parameter : parametersBehind(model, use.parameter))
      addParameter(found, infoOf(structure, parameter).name);
  }
  // An "other" site stands for a parameter however often it is read.
  if (site.kind() == SiteKind::gradient) return;
  found.calls = found.calls.value_or(0) + 1;
  if (!first || info.shape.size() != 2) return;
  const auto read = site.reads();
  const bool by_row = !read.empty() && read[0].by_row;
  found.inputs = found.kind == "embedding" || by_row ? info.rows() : info.columns();
  found.outputs = found.kind == "embedding" || by_row ? info.columns() : info.rows();
}

}  // namespace

std::string stackName(const std::string& layer) {
  auto stem = layer.ends_with("_reverse") ? layer.substr(0, layer.size() - 8) : layer;
  const auto dot = stem.rfind('.');
  const auto leaf = dot == std::string::npos ? stem : stem.substr(dot + 1);
  const bool numbered =
      leaf.size() > 1 && leaf[0] == 'l' && leaf.find_first_not_of("0123456789", 1) == std::string::npos;
  if (!numbered) return layer;
  return dot == std::string::npos ? std::string() : stem.substr(0, dot);
}

std::vector<SiteFacts> describeSites(const Model& model, const Structure& structure, const std::vector<Site*>& sites) {
  std::vector<SiteFacts> facts;
  for (const auto* site : sites) {
    if (const auto* recurrent = dynamic_cast<const RecurrentSite*>(site))
      addRecurrent(facts, model, structure, *recurrent);
    else
      addPlain(facts, model, structure, *site);
  }
  return facts;
}

}  // namespace heft
