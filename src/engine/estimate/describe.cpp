#include "engine/estimate/describe.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <unordered_map>
#include <unordered_set>

#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/forward/weight_functions.hpp"

namespace heft {
namespace {

const std::array<const char*, 5> kRoles{"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};

std::string methodName(SiteKind kind) {
  switch (kind) {
    case SiteKind::unit_response:
      return "unit response";
    case SiteKind::linear:
      return "linear";
    case SiteKind::gradient:
      return "gradient";
  }
  return "";
}

/// "rnn.l0_reverse" for "rnn.weight_ih_l0_reverse", "cell" for "cell.weight_ih".
std::string layerName(const std::string& parameter) {
  const auto dot = parameter.rfind('.');
  const auto owner = dot == std::string::npos ? "" : parameter.substr(0, dot);
  auto leaf = dot == std::string::npos ? parameter : parameter.substr(dot + 1);
  for (const std::string role : kRoles) {
    if (leaf == role) return owner.empty() ? "cell" : owner;
    if (leaf.starts_with(role + "_")) {
      leaf = leaf.substr(role.size() + 1);
      break;
    }
  }
  return owner.empty() ? leaf : owner + "." + leaf;
}

/// Where each value was emitted, and by which unit all of a column's values were.
class Emissions {
 public:
  explicit Emissions(const at::Tensor& values) : units_(values.size(1)), values_(static_cast<size_t>(units_)) {
    const auto table = values.to(at::kCPU, at::kDouble).contiguous();
    const auto* data = table.const_data_ptr<double>();
    for (int64_t i = 0; i < table.numel(); ++i) {
      const auto unit = i % units_;
      if (data[i] == 0) continue;  // zeros are everywhere and tell nothing
      values_[static_cast<size_t>(unit)].insert(data[i]);
      const auto [known, fresh] = unit_.emplace(data[i], unit);
      if (!fresh && known->second != unit) known->second = -1;
    }
  }

  /// The unit that emitted every value of the column, or -1. `stride` apart, `count` of them.
  [[nodiscard]] int64_t unitOf(const double* column, int64_t stride, int64_t count) const {
    int64_t unit = -1;
    for (int64_t i = 0; i < count && unit < 0; ++i) {
      const auto found = unit_.find(column[i * stride]);
      if (found != unit_.end())
        unit = found->second;
      else if (column[i * stride] != 0)
        return -1;
    }
    if (unit < 0) return -1;
    const auto& own = values_[static_cast<size_t>(unit)];
    for (int64_t i = 0; i < count; ++i) {
      if (column[i * stride] != 0 && own.count(column[i * stride]) == 0) return -1;
    }
    return unit;
  }

 private:
  int64_t units_;
  std::vector<std::unordered_set<double>> values_;
  std::unordered_map<double, int64_t> unit_;  ///< -1 where several units emitted it
};

void findReaders(const Model& model, RecurrentLayerInfo& layer, const RecurrentSite& site,
                 const std::vector<Site*>& sites) {
  if (layer.weight_hr >= 0) {
    Reader projection{layer.weight_hr, {}, false};
    for (int64_t unit = 0; unit < layer.units; ++unit) projection.column_of_unit.push_back(unit);
    layer.readers.push_back(std::move(projection));
    return;  // nothing else sees a unit of a projected layer
  }
  const Emissions emissions(site.emissions());
  for (const auto* other : sites) {
    for (const auto& read : other->reads()) {
      const auto parameter = standingFor(model, read.parameter);
      if (other == &site || parameter < 0) continue;
      const auto values = read.values.to(at::kCPU, at::kDouble).contiguous();
      Reader reader{parameter, std::vector<int64_t>(static_cast<size_t>(layer.units), -1), read.by_row};
      bool any = false;
      for (int64_t j = 0; j < values.size(1); ++j) {
        const auto unit = emissions.unitOf(values.const_data_ptr<double>() + j, values.size(1), values.size(0));
        if (unit < 0) continue;
        reader.column_of_unit[static_cast<size_t>(unit)] = read.first_column + j;
        any = true;
      }
      const bool known = std::any_of(layer.readers.begin(), layer.readers.end(), [&](const Reader& one) {
        return one.parameter == reader.parameter && one.column_of_unit == reader.column_of_unit;
      });
      if (any && !known) layer.readers.push_back(std::move(reader));
    }
  }
}

/// How the rows of a derived weight are those of a parameter; nothing where they are not.
std::optional<FurtherWeights> rowsOf(const Model& model, const WeightLink& link, const std::string& role) {
  const auto& derived = model.derived[link.derived].value;
  const auto columns = columnsOf(derived), width = columnsOf(model.weights(link.parameter).value);
  FurtherWeights found{link.parameter, role, -1, false};
  for (const bool by_column : {false, true}) {
    if (by_column && link.by_row) break;
    int64_t first = -1;
    bool fits = true;
    for (size_t i = 0; i < link.target.size() && fits; ++i) {
      if (link.target[i] < 0) continue;
      const auto place = static_cast<int64_t>(i);
      const auto own = link.by_row ? place : by_column ? place % width : place / width;
      const auto row = (link.by_row ? link.target[i] : link.target[i] / columns) - own;
      fits = first < 0 || row == first;
      first = row;
    }
    if (!fits || first < 0) continue;
    found.first_row = first;
    found.by_column = by_column;
    return found;
  }
  return std::nullopt;
}

/// The parameter in a role of the layer; what else of it derived weights follow becomes further weights.
int64_t takeRole(const Model& model, RecurrentLayerInfo& layer, int64_t index, const std::string& role) {
  const auto own = static_cast<int64_t>(model.parameters.size());
  if (index < own) return index;
  const auto standing = standingFor(model, index);
  for (const auto& link : model.functions->sources()[static_cast<size_t>(index - own)].links) {
    if (link.parameter == standing) continue;
    if (const auto further = rowsOf(model, link, role)) layer.further.push_back(*further);
  }
  return standing;
}

/// A parameter to name the layer by, as PyTorch would call it: "lstm.weight_ih_l0" for "lstm.weight_ih_l0_orig", and for
/// "lstm.parametrizations.weight_ih_l0.original0".
std::string plainParameterName(const Model& model, int64_t index) {
  if (index < static_cast<int64_t>(model.parameters.size())) return model.weights(index).name;
  const auto parameters = parametersBehind(model, index);
  if (parameters.empty()) return "";
  static const std::regex own(
      "(.*?)(?:parametrizations\\.)?(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(_l[0-9]+)?(_reverse)?.*");
  const auto& name = model.weights(parameters[0]).name;
  std::smatch parts;
  if (!std::regex_match(name, parts, own)) return name;
  return parts[1].str() + parts[2].str() + parts[3].str() + parts[4].str();
}

std::string layerNameOf(const Model& model, const RecurrentSite& site) {
  const auto& parameters = site.parameters();
  const auto own = static_cast<int64_t>(model.parameters.size());
  // A role that is read as it is has PyTorch's own name.
  for (const auto one : parameters) {
    if (one >= 0 && one < own) {
      const auto named = parameters[RecurrentSite::weight_ih];
      return layerName(model.weights(named >= 0 && named < own ? named : one).name);
    }
  }
  return layerName(plainParameterName(model, *std::max_element(parameters.begin(), parameters.end())));
}

void addLayer(const Model& model, Structure& structure, const RecurrentSite& site, const std::vector<Site*>& sites) {
  if (*std::max_element(site.parameters().begin(), site.parameters().end()) < 0) return;
  RecurrentLayerInfo layer;
  layer.name = layerNameOf(model, site);
  std::array<int64_t, kRoles.size()> parameters{};
  for (size_t role = 0; role < kRoles.size(); ++role) {
    const auto index = site.parameters()[role];
    parameters[role] = index < 0 ? -1 : takeRole(model, layer, index, kRoles[role]);
  }
  for (const auto& known : structure.layers) {
    if (known.weight_ih == parameters[RecurrentSite::weight_ih] &&
        known.weight_hh == parameters[RecurrentSite::weight_hh] && known.name == layer.name)
      return;  // called again
  }
  layer.kind = cellName(site.cell());
  layer.gates = gateNames(site.cell());
  layer.reverse = layer.name.ends_with("_reverse");
  const auto stem = layer.name.substr(0, layer.name.size() - (layer.reverse ? 8 : 0));
  if (const auto l = stem.rfind(".l");
      l != std::string::npos && stem.find_first_not_of("0123456789", l + 2) == std::string::npos) {
    layer.index = std::strtoll(stem.c_str() + l + 2, nullptr, 10);
  }
  layer.units = site.emissions().size(1);
  layer.weight_ih = parameters[RecurrentSite::weight_ih];
  layer.weight_hh = parameters[RecurrentSite::weight_hh];
  layer.bias_ih = parameters[RecurrentSite::bias_ih];
  layer.bias_hh = parameters[RecurrentSite::bias_hh];
  layer.weight_hr = parameters[RecurrentSite::weight_hr];
  const auto columns = [&](int64_t parameter) {
    return structure.parameters[static_cast<size_t>(parameter)].columns();
  };
  layer.emitted = layer.weight_hh >= 0 ? columns(layer.weight_hh) : layer.units;
  layer.inputs = layer.weight_ih >= 0 ? columns(layer.weight_ih) : 0;
  findReaders(model, layer, site, sites);
  for (const auto& further : layer.further)
    structure.parameters[static_cast<size_t>(further.parameter)].layer = static_cast<int64_t>(structure.layers.size());
  for (size_t role = 0; role < kRoles.size(); ++role) {
    if (parameters[role] < 0) continue;
    auto& info = structure.parameters[static_cast<size_t>(parameters[role])];
    info.layer = static_cast<int64_t>(structure.layers.size());
    if (role != RecurrentSite::weight_hr) info.gates = layer.gates;
  }
  structure.layers.push_back(std::move(layer));
}

/// The parameters that a site reads, as they are or through functions, each with the role of what is read.
std::vector<SiteUse> readThrough(const Model& model, const Site& site) {
  std::vector<SiteUse> all;
  for (const auto& use : site.uses()) {
    for (const auto parameter : parametersBehind(model, use.parameter)) all.push_back({parameter, use.role});
  }
  return all;
}

}  // namespace

int64_t standingFor(const Model& model, int64_t index) {
  const auto own = static_cast<int64_t>(model.parameters.size());
  if (index < own) return index;
  const auto& source = model.functions->sources()[static_cast<size_t>(index - own)];
  const auto& derived = model.weights(index).value;
  for (const auto& link : source.links) {
    if (model.weights(link.parameter).value.sizes() != derived.sizes()) continue;
    bool same = true;
    for (size_t i = 0; i < link.target.size() && same; ++i)
      same = link.target[i] < 0 || link.target[i] == static_cast<int64_t>(i);
    if (same) return link.parameter;
  }
  return -1;
}

std::string typeName(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    case at::kShort:
      return "int16";
    case at::kChar:
      return "int8";
    case at::kByte:
      return "uint8";
    case at::kBool:
      return "bool";
    default:
      return c10::toString(type);
  }
}

Structure describeParameters(const Model& model) {
  Structure structure;
  for (const auto& parameter : model.parameters) {
    ParameterInfo info;
    info.name = parameter.name;
    info.shape = parameter.value.sizes().vec();
    info.dtype = typeName(parameter.stored);
    info.tied = parameter.tied;
    structure.parameters.push_back(std::move(info));
  }
  return structure;
}

Structure describeStructure(const Model& model, const std::vector<Site*>& sites) {
  auto structure = describeParameters(model);
  for (const auto* site : sites) {
    const auto* recurrent = dynamic_cast<const RecurrentSite*>(site);
    for (const auto& [parameter, role] : readThrough(model, *site)) {
      auto& info = structure.parameters[static_cast<size_t>(parameter)];
      // A parameter that several kinds of site read is estimated by all of them; the roughest one names the method.
      if (!info.site.empty() && site->kind() != SiteKind::gradient) continue;
      info.method = methodName(site->kind());
      if (!info.site.empty()) continue;
      info.site = site->name() == "gradient" ? "other" : site->name();
      if (recurrent != nullptr)
        info.role = kRoles.at(static_cast<size_t>(role));
      else if (site->kind() == SiteKind::linear)
        info.role = role == 0 ? "weight" : "bias";
    }
    if (recurrent != nullptr) addLayer(model, structure, *recurrent, sites);
  }
  return structure;
}

}  // namespace heft
