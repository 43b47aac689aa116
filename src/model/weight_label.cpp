#include "model/weight_label.hpp"

#include "heft/error.hpp"

namespace heft {

std::string weightLabel(const ParameterInfo& parameter, std::int64_t flat) {
  if (parameter.shape.empty()) return parameter.name + "[0]";
  std::string places;
  for (std::size_t d = parameter.shape.size(); d-- > 0;) {
    if (!places.empty()) places.insert(0, 1, ',');
    places.insert(0, std::to_string(flat % parameter.shape[d]));
    flat /= parameter.shape[d];
  }
  return parameter.name + "[" + places + "]";
}

WeightPlace describeWeight(const Structure& structure, std::size_t parameter, std::int64_t flat) {
  if (parameter >= structure.parameters.size() || flat < 0 || flat >= structure.parameters[parameter].weights()) {
    throw Error(Fault::internal,
                "there is no weight " + std::to_string(flat) + " in parameter number " + std::to_string(parameter));
  }
  const ParameterInfo& info = structure.parameters[parameter];
  WeightPlace place;
  if (info.layer >= 0) {
    const RecurrentLayerInfo& layer = structure.layers.at(static_cast<std::size_t>(info.layer));
    place.layer = layer.name;
    place.direction = layer.reverse ? "reverse" : "forward";
  }
  if (info.shape.empty()) return place;
  std::int64_t row = flat / info.columns();
  const auto gates = static_cast<std::int64_t>(info.gates.size());
  if (gates > 0 && info.rows() % gates == 0) {
    const std::int64_t units = info.rows() / gates;
    place.gate = info.gates[static_cast<std::size_t>(row / units)];
    row %= units;
  }
  place.unit = row;
  if (info.shape.size() > 1) place.column = flat % info.columns();
  return place;
}

}  // namespace heft
