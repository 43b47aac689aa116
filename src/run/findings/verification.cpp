#include "run/findings/verification.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "analysis/binomial.hpp"
#include "analysis/random.hpp"
#include "analysis/rank_statistics.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "model/weight_label.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/group_table.hpp"
#include "run/stored/json_text.hpp"

namespace heft {
namespace {

constexpr double kSmall = 1e-6;     // of the output's rms: the smallest impact with a relative error of its own
constexpr double kRounding = 1e-6;  // relative: intervals are stored as float32
constexpr double kLeastChance = 0.01;

/// Sizes in the unit of the run's first metric.
struct Scale {
  double small = 0;  ///< impacts below have no relative error of their own
  double noise = 0;  ///< float noise of a measurement
};

/// Relative, of executed impacts.
double toleranceOf(const Run& run) { return run.settings.precision == Precision::bfloat16 ? 0.02 : 1e-4; }

Scale scaleOf(const Run& run) {
  const double small = kSmall * run.output.rms, noise = run.output.noise;
  const double rms = run.output.rms > 0 ? run.output.rms : 1;
  switch (facts(run.settings.metrics.front()).growth) {
    case Growth::square:
      return {small * small, noise * noise};
    case Growth::relative_square:
      return {small * small / (rms * rms), noise * noise / (rms * rms)};
    case Growth::steps:
      return {0, 0};
    case Growth::linear:
      break;
  }
  return {small, noise};
}

double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  return sorted[static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size() - 1)))];
}

/// 0 between equal infinities.
double differenceOf(const VerifiedWeight& weight) {
  return weight.impact == weight.reference ? 0.0 : std::abs(weight.impact - weight.reference);
}

std::optional<double> spearmanOf(std::span<const VerifiedWeight> weights) {
  std::vector<double> run, reference;
  for (const auto& weight : weights) {
    run.push_back(weight.impact);
    reference.push_back(weight.reference);
  }
  return spearman(std::span<const double>(run), std::span<const double>(reference));
}

Deviation deviationOf(const std::vector<VerifiedWeight>& weights, const Scale& scale) {
  Deviation deviation;
  deviation.weights = weights.size();
  std::vector<double> errors;
  for (const auto& weight : weights) {
    if (std::max(weight.reference, weight.impact) <= std::max(scale.small, scale.noise)) continue;
    errors.push_back(std::isinf(weight.reference) && weight.impact == weight.reference
                         ? 0.0
                         : differenceOf(weight) / std::max(weight.reference, scale.small));
  }
  std::sort(errors.begin(), errors.end());
  deviation.compared = errors.size();
  deviation.median = quantile(errors, 0.5);
  deviation.high = quantile(errors, 0.95);
  deviation.most = quantile(errors, 1);
  deviation.spearman = spearmanOf(weights);
  return deviation;
}

/// `noun` is what they are, `label` names one.
void judgeExecuted(const Run& run, const std::vector<VerifiedWeight>& executed, const Scale& scale,
                   const std::string& noun, const std::function<std::string(std::size_t)>& label, Verification& found) {
  const double tolerance = toleranceOf(run);
  std::size_t off = 0, at = 0;
  double worst = 0;
  for (std::size_t i = 0; i < executed.size(); ++i) {
    const double difference = differenceOf(executed[i]);
    const double allowed = tolerance * std::max(executed[i].reference, scale.small) + scale.noise;
    if (difference <= allowed) continue;
    const double excess = allowed > 0 ? difference / allowed : std::numeric_limits<double>::infinity();
    if (off++ == 0 || excess > worst) {
      worst = excess;
      at = i;
    }
  }
  if (off == 0) return;
  found.failures.push_back(grouped(off) + " of " + counted(executed.size(), noun) + (off == 1 ? " is" : " are") +
                           " off by more than " + significant(100 * tolerance) + " %, worst " + label(at) + " with " +
                           significant(executed[at].impact) + " in the run and " + significant(executed[at].reference) +
                           " measured again");
}

/// An impact that was executed.
VerifiedWeight executedOf(double impact, double reference) {
  VerifiedWeight one;
  one.executed = true;
  one.impact = impact;
  one.reference = reference;
  return one;
}

void judgeComponents(const Run& run, std::span<const VerifiedComponent> components, const Scale& scale,
                     Verification& found) {
  std::vector<VerifiedWeight> whole, parts;
  std::vector<std::string> part_names;
  for (const auto& one : components) {
    const auto& component = run.components[one.component];
    whole.push_back(executedOf(impactOf(run, component), one.reference));
    for (std::size_t g = 0; g < one.by_group.size(); ++g) {
      parts.push_back(executedOf(groupImpact(component, run.settings.metrics.front(), g), one.by_group[g]));
      part_names.push_back(component.name + " on " + std::string(name(run.settings.by)) + " " + run.groups[g].name);
    }
  }
  found.components = deviationOf(whole, scale);
  found.groups = deviationOf(parts, scale);
  judgeExecuted(
      run, whole, scale, "component", [&](std::size_t i) { return run.components[components[i].component].name; },
      found);
  judgeExecuted(
      run, parts, scale, "group impact", [&](std::size_t i) { return part_names[i]; }, found);
}

void judgeIntervals(const std::vector<VerifiedWeight>& estimated, const Scale& scale, Verification& found) {
  for (const auto& weight : estimated) {
    const bool inside = weight.reference >= weight.lower * (1 - kRounding) - scale.noise &&
                        weight.reference <= weight.upper * (1 + kRounding) + scale.noise;
    if (!inside) continue;
    ++found.inside;
    if (std::isinf(weight.upper)) ++found.open;
  }
  found.chance = binomialAtMost(found.inside, estimated.size(), found.promised);
  if (found.chance >= kLeastChance) return;
  found.failures.push_back("only " + grouped(found.inside) + " of " + counted(estimated.size(), "estimate") +
                           " lie in their interval where " + significant(100 * found.promised) +
                           " % should (the chance of so few is " + significant(found.chance, 2) + ")");
}

std::string percentOf(double share) { return std::isnan(share) ? "–" : significant(100 * share, 2) + " %"; }

std::string row(const std::string& kind, const Deviation& deviation) {
  return padded(kind, 12) + rightAligned(grouped(deviation.weights), 8) +
         rightAligned(percentOf(deviation.median), 16) + rightAligned(percentOf(deviation.high), 12) +
         rightAligned(percentOf(deviation.most), 12) +
         rightAligned(deviation.spearman ? significant(*deviation.spearman, 6) : "–", 12) + '\n';
}

nlohmann::ordered_json deviationJson(const Deviation& deviation) {
  return {{"weights", deviation.weights},
          {"compared", deviation.compared},
          {"median", finiteOrNull(deviation.median)},
          {"quantile_95", finiteOrNull(deviation.high)},
          {"max", finiteOrNull(deviation.most)},
          {"spearman", finiteOrNull(deviation.spearman)}};
}

}  // namespace

std::vector<VerifiedWeight> drawForVerification(const Run& run, std::size_t sample, std::uint64_t seed) {
  checkSizes(run);
  std::size_t population[2]{};  // estimated, executed
  for (const auto& each : run.impacts) {
    for (std::size_t i = 0; i < each.impact.size(); ++i) {
      if (!std::isnan(each.impact[i])) ++population[each.measured[i] != 0 ? 1 : 0];
    }
  }
  const std::size_t half = sample / 2;
  const std::size_t executed = std::min(population[1], std::max(half, sample - std::min(sample, population[0])));
  const std::size_t estimated = std::min(population[0], sample - executed);
  std::vector<std::size_t> wanted[2] = {
      sampleWithoutReplacement(estimated, population[0], Random(seed, "verify estimated")),
      sampleWithoutReplacement(executed, population[1], Random(seed, "verify executed"))};
  for (auto& list : wanted) std::sort(list.begin(), list.end());

  std::vector<VerifiedWeight> weights;
  std::size_t seen[2]{}, taken[2]{};
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    const auto& from = run.impacts[p];
    for (std::size_t i = 0; i < from.impact.size(); ++i) {
      if (std::isnan(from.impact[i])) continue;
      const std::size_t kind = from.measured[i] != 0 ? 1 : 0;
      const std::size_t number = seen[kind]++;
      if (taken[kind] == wanted[kind].size() || wanted[kind][taken[kind]] != number) continue;
      ++taken[kind];
      weights.push_back({p, static_cast<std::int64_t>(i), kind == 1, static_cast<double>(from.impact[i]),
                         static_cast<double>(from.lower[i]), static_cast<double>(from.upper[i]), 0});
    }
  }
  return weights;
}

std::vector<VerifiedComponent> drawComponents(const Run& run, std::size_t sample, std::uint64_t seed) {
  auto drawn = sampleWithoutReplacement(std::min(sample, run.components.size()), run.components.size(),
                                        Random(seed, "verify components"));
  std::sort(drawn.begin(), drawn.end());
  std::vector<VerifiedComponent> components;
  for (const auto one : drawn) components.push_back({one, 0, {}});
  return components;
}

Verification verificationOf(const Run& run, std::span<const VerifiedWeight> weights,
                            std::span<const VerifiedComponent> components) {
  std::vector<VerifiedWeight> executed, estimated;
  for (const auto& weight : weights) (weight.executed ? executed : estimated).push_back(weight);
  const Scale scale = scaleOf(run);
  Verification found;
  found.executed = deviationOf(executed, scale);
  found.estimated = deviationOf(estimated, scale);
  found.spearman = spearmanOf(weights);
  found.promised = 1 - run.settings.alpha;
  judgeExecuted(
      run, executed, scale, "executed weight",
      [&](std::size_t i) { return weightLabel(run.structure.parameters[executed[i].parameter], executed[i].index); },
      found);
  judgeComponents(run, components, scale, found);
  judgeIntervals(estimated, scale, found);
  return found;
}

std::string verificationText(const Verification& found) {
  std::string text = padded("", 12) + rightAligned("impacts", 8) + rightAligned("median error", 16) +
                     rightAligned("95 %", 12) + rightAligned("max", 12) + rightAligned("Spearman", 12) + '\n';
  if (found.executed.weights + found.estimated.weights > 0 || found.components.weights == 0)
    text += row("executed", found.executed) + row("estimated", found.estimated);
  if (found.components.weights > 0) text += row("components", found.components);
  if (found.groups.weights > 0) text += row("by group", found.groups);
  std::size_t small = 0;
  for (const auto* one : {&found.executed, &found.estimated, &found.components, &found.groups})
    small += one->weights - one->compared;
  if (small > 0)
    text += counted(small, "impact") + (small == 1 ? " is" : " are") + " too small for a relative error.\n";
  if (found.spearman) text += "Rank correlation over all weights: " + significant(*found.spearman, 6) + ".\n";
  if (found.estimated.weights > 0) {
    text += grouped(found.inside) + " of " + counted(found.estimated.weights, "estimate") + " (" +
            significant(100.0 * static_cast<double>(found.inside) / static_cast<double>(found.estimated.weights), 3) +
            " %) lie inside their interval; " + significant(100 * found.promised) + " % was promised";
    if (found.open > 0) text += "; " + grouped(found.open) + (found.open == 1 ? " has" : " have") + " no upper bound";
    text += ".\n";
    const auto promised = found.promised * static_cast<double>(found.estimated.weights);
    if (static_cast<double>(found.inside) < promised && found.failures.empty())
      text += "That is what chance allows: so few or fewer lie inside in " + significant(100 * found.chance, 2) +
              " % of such samples where the promise is kept; a larger " + settingName("sample") + " tells more.\n";
  }
  return text + (found.failures.empty() ? "The run holds up.\n" : "The run does not hold up.\n");
}

nlohmann::ordered_json verificationJson(const Verification& found) {
  auto json = nlohmann::ordered_json{{"passed", found.failures.empty()},
                                     {"failures", found.failures},
                                     {"executed", deviationJson(found.executed)},
                                     {"estimated", deviationJson(found.estimated)},
                                     {"components", deviationJson(found.components)},
                                     {"by_group", deviationJson(found.groups)},
                                     {"spearman", finiteOrNull(found.spearman)}};
  json["coverage"] =
      found.estimated.weights == 0
          ? nlohmann::ordered_json()
          : nlohmann::ordered_json(static_cast<double>(found.inside) / static_cast<double>(found.estimated.weights));
  json["inside"] = found.inside;
  json["open"] = found.open;
  json["promised"] = found.promised;
  json["chance"] = found.chance;
  return json;
}

}  // namespace heft
