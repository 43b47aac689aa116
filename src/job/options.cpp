#include "job/options.hpp"

#include <algorithm>

#include "engine/forward/device.hpp"

namespace heft {
namespace {

SessionOptions withoutDevice(const ModelOptions& options) {
  SessionOptions session;
  session.model = options.model;
  session.inputs = options.inputs;
  session.targets = options.targets;
  session.output_target = options.output_target;
  session.dims = options.dims;
  session.stream = options.stream;
  session.carry = options.carry;
  session.draws = options.draws;
  return session;
}

}  // namespace

RankSettings settingsOf(const RankOptions& options) {
  RankSettings settings;
  settings.method = parseMethod(options.method);
  settings.metrics.clear();
  for (const auto& word : options.metrics) {
    const auto metric = parseMetric(word);
    if (std::find(settings.metrics.begin(), settings.metrics.end(), metric) == settings.metrics.end())
      settings.metrics.push_back(metric);
  }
  settings.perturbation = Perturbation::parse(options.perturbation);
  settings.levels.clear();
  for (const auto& word : options.components) settings.levels.push_back(parseLevel(word));
  if (!options.by.empty()) settings.by = parseGroupBy(options.by);
  if (!options.labels.empty()) settings.by = GroupBy::label;
  settings.labels = options.labels;
  settings.parameters = options.parameters;
  settings.output_target = options.output_target;
  settings.top = options.top;
  settings.alpha = options.alpha;
  settings.miss = options.miss;
  settings.budget_variants = options.budget_variants;
  settings.budget_seconds = options.budget_seconds;
  settings.seed = options.seed;
  settings.precision = parsePrecision(options.precision);
  settings.dims = options.dims;
  settings.stream = options.stream;
  settings.carry = options.carry;
  settings.draws = options.draws;
  return settings;
}

SessionOptions sessionOf(const ModelOptions& options) {
  auto session = withoutDevice(options);
  session.devices = {readDevice(options.device)};
  return session;
}

SessionOptions sessionOf(const RankOptions& options) {
  auto session = withoutDevice(options);
  session.seed = options.seed;
  session.as_model = parsePrecision(options.precision) == Precision::as_model;
  session.devices = readDevices(options.device);
  return session;
}

}  // namespace heft
