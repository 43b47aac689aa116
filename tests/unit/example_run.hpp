#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

// A run whose every field differs from its default.

namespace heft::test {

inline constexpr float noFloat = std::numeric_limits<float>::quiet_NaN();
inline constexpr double noDouble = std::numeric_limits<double>::quiet_NaN();
inline constexpr double endless = std::numeric_limits<double>::infinity();

inline ParameterInfo parameterInfo(std::string name, std::vector<std::int64_t> shape) {
  ParameterInfo info;
  info.name = std::move(name);
  info.shape = std::move(shape);
  info.dtype = "float32";
  return info;
}

/// Impacts that are all different: |value| of weight i is (i + 1) / 8 with alternating sign, impacts run
/// backwards.
inline ParameterImpacts exampleImpacts(std::size_t weights, float scale) {
  ParameterImpacts impacts;
  for (std::size_t i = 0; i < weights; ++i) {
    const auto place = static_cast<float>(i + 1);
    const float impact = scale * (static_cast<float>(weights) - static_cast<float>(i)) + 0.1F;
    const bool measured = i % 2 == 0;
    impacts.weight.push_back((i % 2 == 0 ? 1.0F : -1.0F) * place / 8);
    impacts.impact.push_back(impact);
    impacts.standard_error.push_back(impact / 16);
    impacts.lower.push_back(measured ? impact : impact * 0.875F);
    impacts.upper.push_back(measured ? impact : impact * 1.125F);
    impacts.measured.push_back(measured ? 1 : 0);
    impacts.other["kl"].push_back(measured ? impact * impact : noFloat);
  }
  return impacts;
}

inline Structure exampleStructure() {
  Structure structure;
  ParameterInfo ih = parameterInfo("lstm.weight_ih_l0_reverse", {8, 3});
  ih.tied = {"other.weight_ih", "third.weight"};
  ih.site = "LSTM";
  ih.role = "weight_ih";
  ih.method = "unit response";
  ih.gates = {"i", "f", "g", "o"};
  ih.layer = 0;
  ParameterInfo bias = parameterInfo("lstm.bias_ih_l0_reverse", {8});
  bias.site = "LSTM";
  bias.role = "bias_ih";
  bias.gates = ih.gates;
  bias.layer = 0;
  ParameterInfo convolution = parameterInfo("conv.weight", {2, 2, 3});
  convolution.dtype = "float16";
  convolution.site = "other";
  convolution.method = "gradient";
  structure.parameters = {ih, bias, convolution, parameterInfo("gain", {})};

  RecurrentLayerInfo layer;
  layer.name = "lstm.l0_reverse";
  layer.kind = "LSTM";
  layer.index = 1;
  layer.reverse = true;
  layer.units = 2;
  layer.emitted = 3;
  layer.inputs = 4;
  layer.gates = ih.gates;
  layer.weight_ih = 0;
  layer.weight_hh = 3;
  layer.bias_ih = 1;
  layer.bias_hh = 2;
  layer.weight_hr = 0;
  layer.further = {{1, "bias_hh", 4, true}};
  layer.readers = {{2, {0, 5}}, {0, {-1, 2}}, {1, {7, 0}, true}};
  structure.layers = {layer};
  return structure;
}

inline Run exampleRun() {
  Run run;
  run.settings.method = Method::exhaustive;
  run.settings.metrics = {Metric::max, Metric::kl};
  run.settings.perturbation = Perturbation::parse("noise:0.1");
  run.settings.levels = {Level::weight, Level::gate};
  run.settings.parameters = {"lstm.*", "conv.weight[0,:]"};
  run.settings.output_target = "module:head";
  run.settings.top = 7;
  run.settings.alpha = 0.1;
  run.settings.miss = 0.02;
  run.settings.budget_variants = 500;
  run.settings.budget_seconds = 12.5;
  run.settings.seed = 18446744073709551615U;
  run.settings.precision = Precision::bfloat16;
  run.settings.dims = {"x=samples,steps,-", "output=samples,classes"};
  run.settings.stream = true;
  run.settings.by = GroupBy::label;
  run.settings.labels = {"verb", "a \"noun\"", "verb"};
  run.settings.carry = {"1=hidden"};
  run.settings.draws = 3;
  run.provenance = {"model.pt", "aa",     {"x.npy", "y.npy"}, "bb",        "t.npy", "cc",
                    "0.1.0",    "2.11.0", "cuda:0",           "a machine", 3,       "2026-01-02T03:04:05Z"};
  run.structure = exampleStructure();
  run.output = {"output [64, 10]", 64, 10, 0.75, 1e-9, true};
  run.output.tensors = {{"logits", {64, 5, 10}, {DimRole::samples, DimRole::other, DimRole::classes}, {64, 10}}};
  run.impacts = {exampleImpacts(24, 1), exampleImpacts(8, 10), exampleImpacts(12, 0.5F), exampleImpacts(1, 3)};
  for (std::size_t i = 6; i < 12; ++i) {  // outside --parameters
    ParameterImpacts& outside = run.impacts[2];
    outside.impact[i] = outside.lower[i] = outside.upper[i] = outside.standard_error[i] = noFloat;
    outside.other["kl"][i] = noFloat;
    outside.measured[i] = 0;
  }
  run.impacts[0].upper[1] = std::numeric_limits<float>::infinity();
  run.components = {
      {"lstm.weight_ih_l0_reverse:i", Level::gate, "incoming", 6, {{"max", 0.5}, {"kl", 0.25}}, 0.01, 1.5, 2.5},
      {"conv.weight", Level::matrix, "", 12, {{"max", noDouble}}, noDouble, noDouble, 3.5}};
  run.groups = {{"a \"noun\"", 1, 10}, {"verb", 2, 20}};
  run.components[0].by_group = {{"max", {0.5, 0.25}}, {"kl", {0.125, endless}}};
  run.components[0].group_error = {noDouble, 0.01};
  run.components[1].by_group = {{"max", {noDouble, 1.5}}, {"kl", {2.5, 3.5}}};
  run.components[1].group_error = {0.02, 0.03};
  run.calibration = {{"lstm.weight_ih_l0_reverse", 100, 0.97, 1.0, 1.04}, {"gain", 1, 0, 1, endless}};
  run.settled = SettledFacts{7, true, 0.25, 0.99, 0.125, 321, 45, "the budget was spent"};
  run.cost = {9.5, 2.25, 7.25, 1234, 56, 78, 0.03};
  run.feature_names = {"pitch", "a \"loud\" one"};
  run.notes = {"Dropout was switched off.", "A \"quoted\" line,\nand another."};
  run.complete = false;
  return run;
}

/// A run over one matrix [1, n] with given weights and impacts, all executed.
inline Run plainRun(std::vector<float> weights, std::vector<float> impacts) {
  Run run;
  run.structure.parameters = {parameterInfo("w", {1, static_cast<std::int64_t>(weights.size())})};
  ParameterImpacts values;
  values.weight = std::move(weights);
  values.lower = values.upper = values.impact = impacts;
  values.standard_error.assign(impacts.size(), noFloat);
  for (const float impact : impacts) values.measured.push_back(std::isnan(impact) ? 0 : 1);
  run.impacts = {values};
  return run;
}

}  // namespace heft::test
