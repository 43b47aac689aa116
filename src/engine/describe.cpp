#include "engine/describe.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engine/sites/recurrent_site.hpp"

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

void findReaders(RecurrentLayerInfo& layer, const RecurrentSite& site, const std::vector<Site*>& sites) {
  if (layer.weight_hr >= 0) {
    Reader projection{layer.weight_hr, {}, false};
    for (int64_t unit = 0; unit < layer.units; ++unit) projection.column_of_unit.push_back(unit);
    layer.readers.push_back(std::move(projection));
    return;  // nothing else sees a unit of a projected layer
  }
  const Emissions emissions(site.emissions());
  for (const auto* other : sites) {
    for (const auto& read : other->reads()) {
      if (other == &site) continue;
      const auto values = read.values.to(at::kCPU, at::kDouble).contiguous();
      Reader reader{read.parameter, std::vector<int64_t>(static_cast<size_t>(layer.units), -1), read.by_row};
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

void addLayer(Structure& structure, const RecurrentSite& site, const std::vector<Site*>& sites) {
  const auto& parameters = site.parameters();
  const auto first = *std::max_element(parameters.begin(), parameters.end());
  if (first < 0) return;
  const auto named = parameters[RecurrentSite::weight_ih] >= 0 ? parameters[RecurrentSite::weight_ih] : first;
  RecurrentLayerInfo layer;
  layer.name = layerName(structure.parameters[static_cast<size_t>(named)].name);
  for (const auto& known : structure.layers) {
    if (known.weight_ih == parameters[RecurrentSite::weight_ih] &&
        known.weight_hh == parameters[RecurrentSite::weight_hh])
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
  findReaders(layer, site, sites);
  for (size_t role = 0; role < kRoles.size(); ++role) {
    if (parameters[role] < 0) continue;
    auto& info = structure.parameters[static_cast<size_t>(parameters[role])];
    info.layer = static_cast<int64_t>(structure.layers.size());
    if (role != RecurrentSite::weight_hr) info.gates = layer.gates;
  }
  structure.layers.push_back(std::move(layer));
}

}  // namespace

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
    for (const auto& use : site->uses()) {
      auto& info = structure.parameters[static_cast<size_t>(use.parameter)];
      // A parameter that several kinds of site read is estimated by all of them; the roughest one names the method.
      if (!info.site.empty() && site->kind() != SiteKind::gradient) continue;
      info.method = methodName(site->kind());
      if (!info.site.empty()) continue;
      info.site = site->name() == "gradient" ? "other" : site->name();
      if (recurrent != nullptr)
        info.role = kRoles.at(static_cast<size_t>(use.role));
      else if (site->kind() == SiteKind::linear)
        info.role = use.role == 0 ? "weight" : "bias";
    }
    if (recurrent != nullptr) addLayer(structure, *recurrent, sites);
  }
  return structure;
}

}  // namespace heft
