#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/structure.hpp"

// A small model's structure for the tests of what words mean: two LSTM layers, a projecting LSTM, a plain
// RNN, a convolution and a head, with the places of every part easy to count.

namespace heft::test {

class StructureBuilder {
 public:
  std::int64_t parameter(const std::string& name, std::vector<std::int64_t> shape, std::vector<std::string> gates = {},
                         std::int64_t layer = -1) {
    ParameterInfo info;
    info.name = name;
    info.shape = std::move(shape);
    info.gates = std::move(gates);
    info.layer = layer;
    structure.parameters.push_back(std::move(info));
    return static_cast<std::int64_t>(structure.parameters.size()) - 1;
  }

  /// With a projection, `emitted` is not `units`.
  void layer(const std::string& module, const std::string& suffix, std::vector<std::string> gates, std::int64_t inputs,
             std::int64_t units, std::int64_t emitted) {
    RecurrentLayerInfo info;
    info.name = module + "." + suffix;
    info.gates = gates;
    info.units = units;
    info.emitted = emitted;
    info.inputs = inputs;
    info.reverse = suffix.ends_with("_reverse");
    const auto index = static_cast<std::int64_t>(structure.layers.size());
    const auto stacked = static_cast<std::int64_t>(std::max<std::size_t>(gates.size(), 1)) * units;
    info.weight_ih = parameter(module + ".weight_ih_" + suffix, {stacked, inputs}, gates, index);
    info.weight_hh = parameter(module + ".weight_hh_" + suffix, {stacked, emitted}, gates, index);
    info.bias_ih = parameter(module + ".bias_ih_" + suffix, {stacked}, gates, index);
    info.bias_hh = parameter(module + ".bias_hh_" + suffix, {stacked}, gates, index);
    if (emitted != units) info.weight_hr = parameter(module + ".weight_hr_" + suffix, {emitted, units}, {}, index);
    structure.layers.push_back(std::move(info));
  }

  Structure structure;
};

inline Structure smallStructure() {
  const std::vector<std::string> gates{"input", "forget", "cell", "output"};
  StructureBuilder model;
  model.layer("lstm", "l0", gates, 3, 2, 2);                              // parameters 0 … 3
  model.layer("lstm", "l1_reverse", gates, 2, 2, 2);                      // 4 … 7
  model.layer("proj", "l0", gates, 2, 3, 2);                              // 8 … 12
  model.layer("rnn", "l0", {}, 2, 3, 3);                                  // 13 … 16
  const auto head = model.parameter("fc.weight", {2, 5});                 // 17
  model.parameter("fc.bias", {2});                                        // 18
  model.parameter("conv.weight", {2, 3, 4});                              // 19
  const auto tied = model.parameter("encoder.embedding.weight", {3, 2});  // 20
  model.parameter("temperature", {});                                     // 21
  model.structure.parameters[static_cast<std::size_t>(tied)].tied = {"decoder.weight"};
  model.structure.layers[0].readers = {{4, {0, 1}}, {head, {2, -1}}};
  model.structure.layers[2].readers = {{12, {0, 1, 2}}, {head, {0, 1}}};
  return std::move(model.structure);
}

}  // namespace heft::test
