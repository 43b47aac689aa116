#include "cli/ablation.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {

using nlohmann::ordered_json;

namespace {

ordered_json listJson(const std::vector<double>& values) {
  auto list = ordered_json::array();
  for (const double value : values) list.push_back(finiteOrNull(value));
  return list;
}

ordered_json variantJson(const WhatIf& variant) {
  auto impact = ordered_json::object();
  auto error = ordered_json::object();
  for (const auto& one : variant.impacts) {
    impact[std::string(name(one.metric))] = finiteOrNull(one.value);
    error[std::string(name(one.metric))] = finiteOrNull(one.standard_error);
  }
  const auto& change = variant.change;
  return {{"name", variant.name},
          {"path", variant.path.empty() ? ordered_json() : ordered_json(variant.path)},
          {"weights", variant.weights},
          {"moved", variant.moved},
          {"mean_magnitude", finiteOrNull(variant.mean_magnitude)},
          {"largest_magnitude", finiteOrNull(variant.largest_magnitude)},
          {"norm", finiteOrNull(variant.norm)},
          {"from", finiteOrNull(variant.from)},
          {"to", finiteOrNull(variant.to)},
          {"impact", std::move(impact)},
          {"standard_error", std::move(error)},
          {"loss", finiteOrNull(variant.loss)},
          {"loss_change", finiteOrNull(variant.loss_change)},
          {"accuracy", finiteOrNull(variant.accuracy)},
          {"outputs", {{"mean_change", listJson(change.mean)}, {"rms_change", listJson(change.rms)}}},
          {"classes", {{"mean_change", listJson(change.class_mean)}, {"rms_change", listJson(change.class_rms)}}},
          {"samples", {{"rms_change", listJson(change.sample_rms)}}}};
}

/// One object whose arrays stand each on a line of its own.
ordered_json baselineJson(const WhatIfReport& report) {
  const auto& baseline = report.baseline;
  return {{"rms", finiteOrNull(baseline.all_rms)},
          {"max", finiteOrNull(baseline.all_max)},
          {"loss", finiteOrNull(report.loss)},
          {"accuracy", finiteOrNull(report.accuracy)},
          {"outputs", {{"mean", listJson(baseline.mean)}, {"rms", listJson(baseline.rms)}}},
          {"classes", {{"mean", listJson(baseline.class_mean)}, {"rms", listJson(baseline.class_rms)}}},
          {"samples", {{"rms", listJson(baseline.sample_rms)}}}};
}

}  // namespace

ordered_json ablationJson(const Ablation& ablation) {
  const auto& report = ablation.report;
  auto pieces = ordered_json::array();
  for (const auto& piece : report.pieces)
    pieces.push_back({{"name", piece.path}, {"shape", piece.shape}, {"first", piece.first}, {"order", piece.order}});
  auto components = ordered_json::array();
  for (const auto& variant : report.variants) components.push_back(variantJson(variant));
  ordered_json together;
  if (ablation.together) {
    together = components.back();
    components.erase(components.size() - 1);
  }
  return {{"model", ablation.model},
          {"weights", ablation.all_weights},
          {"perturbation", ablation.perturbation},
          {"seed", ablation.seed},
          {"samples", report.samples},
          {"elements", report.baseline.mean.size()},
          {"classes", report.classes},
          {"outputs", std::move(pieces)},
          {"baseline", baselineJson(report)},
          {"components", std::move(components)},
          {"together", std::move(together)},
          {"notes", ablation.notes}};
}

}  // namespace heft::cli
