#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "data/tensor_file.hpp"
#include "model/structure.hpp"
#include "run/stored/json_fields.hpp"

// What is stored of a model's structure. Whatever a file holds, the indices that are read from it are in range.

namespace heft {

/// What a parameter must fit: the layers there are, and the parameters before it.
struct ParameterRule {
  std::int64_t layers = 0;
  std::set<std::string>& names;
};

template <class Archive>
void fields(Archive& archive, Stored<Archive, ParameterInfo>& info, const ParameterRule& rule) {
  archive("name", info.name);
  archive.check("name", rule.names.insert(info.name).second, "stands there twice");
  archive("shape", info.shape, Whole{0});
  archive.check("shape", byteCount(sizeof(double), info.shape).has_value(), "is impossible");
  archive("dtype", info.dtype);
  archive("tied", info.tied);
  archive("site", info.site);
  archive("role", info.role);
  archive("method", info.method);
  archive("gates", info.gates);
  archive("layer", info.layer, Whole{-1, rule.layers - 1});
}

/// Layers, and what belongs to them, name parameters by their places.
inline Whole placeIn(const std::vector<ParameterInfo>& parameters, std::int64_t least) {
  return {least, static_cast<std::int64_t>(parameters.size()) - 1};
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, FurtherWeights>& further, const std::vector<ParameterInfo>& parameters) {
  archive("parameter", further.parameter, placeIn(parameters, 0));
  archive("role", further.role);
  archive("first_row", further.first_row, Whole{0});
  archive("by_column", further.by_column);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, Reader>& reader, const std::vector<ParameterInfo>& parameters) {
  archive("parameter", reader.parameter, placeIn(parameters, 0));
  archive.keepPlace("column_of_unit");
  // Run folders of before a matrix could stand to the right don't have it.
  archive.optional("by_row", reader.by_row);
  archive("column_of_unit", reader.column_of_unit, [&] {
    const ParameterInfo& info = parameters[static_cast<std::size_t>(reader.parameter)];
    return Whole{-1, (reader.by_row ? info.rows() : info.columns()) - 1};
  });
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, RecurrentLayerInfo>& layer,
            const std::vector<ParameterInfo>& parameters) {
  const Whole place = placeIn(parameters, -1);
  archive("name", layer.name);
  archive("kind", layer.kind);
  archive("index", layer.index, Whole{0});
  archive("reverse", layer.reverse);
  archive("units", layer.units, Whole{0});
  archive("emitted", layer.emitted, Whole{0});
  archive("inputs", layer.inputs, Whole{0});
  archive("gates", layer.gates);
  archive("weight_ih", layer.weight_ih, place);
  archive("weight_hh", layer.weight_hh, place);
  archive("bias_ih", layer.bias_ih, place);
  archive("bias_hh", layer.bias_hh, place);
  archive("weight_hr", layer.weight_hr, place);
  archive.optional("further", layer.further, parameters);
  archive("readers", layer.readers, parameters);
}

template <class Archive>
void fields(Archive& archive, Stored<Archive, Structure>& structure) {
  std::set<std::string> names;
  archive("parameters", structure.parameters, ParameterRule{archive.length("layers", structure.layers), names});
  archive("layers", structure.layers, structure.parameters);
}

}  // namespace heft
