#include "report/page_data.hpp"

#include <filesystem>

#include "data/words.hpp"
#include "report/answer.hpp"
#include "report/compared.hpp"
#include "report/components.hpp"
#include "report/groups.hpp"
#include "report/hierarchy.hpp"
#include "report/magnitude.hpp"
#include "report/outliers.hpp"
#include "report/signs.hpp"
#include "run/findings/judgement.hpp"
#include "run/text/verdict.hpp"

namespace heft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string fixed2(const std::optional<double>& value) {
  if (!value) return "–";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", *value);
  return text;
}

std::string fileNameOf(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().native();
  return name.empty() ? path : name;
}

ordered_json fact(const std::string& label, const std::string& value) { return {{"label", label}, {"value", value}}; }

ordered_json factsJson(const Run& run, const Findings& findings) {
  const Provenance& from = run.provenance;
  ordered_json facts = ordered_json::array();
  facts.push_back(fact("Model", from.model));
  facts.push_back(fact("Model's SHA-256", from.model_sha256));
  facts.push_back(fact("Inputs", joined(from.inputs, ", ")));
  facts.push_back(fact("Inputs' SHA-256", from.inputs_sha256));
  if (!from.targets.empty()) facts.push_back(fact("Targets", from.targets));
  facts.push_back(fact("Output scored", run.output.shape));
  facts.push_back(fact("Rms of the output itself", significant(run.output.rms)));
  facts.push_back(fact(
      "Metric", std::string(name(run.settings.metrics.front())) + ": " + metricWords(run.settings.metrics.front())));
  facts.push_back(fact("Perturbation", run.settings.perturbation.text()));
  facts.push_back(fact("Method", std::string(name(run.settings.method))));
  if (findings.weights > 0 || run.components.empty()) {
    facts.push_back(fact("Weights ranked", grouped(findings.weights)));
    facts.push_back(fact("Weights executed", grouped(findings.executed)));
  }
  if (!run.components.empty()) facts.push_back(fact("Components executed", grouped(run.components.size())));
  if (!run.groups.empty())
    facts.push_back(
        fact("Outputs split by", std::string(name(run.settings.by)) + ", " + counted(run.groups.size(), "group")));
  facts.push_back(fact("Variants executed", grouped(run.cost.variants)));
  facts.push_back(fact("Time", significant(run.cost.seconds, 3) + " s"));
  facts.push_back(fact("Seed", std::to_string(run.settings.seed)));
  facts.push_back(fact("Device", from.device + (from.machine.empty() ? "" : ", " + from.machine)));
  facts.push_back(fact("Started", from.started));
  facts.push_back(fact("Versions", "heft " + from.heft_version + ", LibTorch " + from.libtorch_version));
  return facts;
}

}  // namespace

std::vector<KeyNumber> keyNumbers(const Findings& findings) {
  const Judgement judgement = judgeMagnitude(findings);
  const Agreement& overall = findings.comparison.overall;
  const std::string top = grouped(judgement.top);
  KeyNumber among{"–", "of the weights that matter most are also among the largest", "there is no top to look at"};
  if (judgement.top > 0) {
    among.value = grouped(judgement.among_largest) + " of " + top;
    among.meaning = findings.weights >= 2 * judgement.top
                        ? "blind choice would give " +
                              significant(static_cast<double>(judgement.top) * static_cast<double>(judgement.top) /
                                              static_cast<double>(findings.weights),
                                          2)
                        : "the top is more than half of all weights, so this says little";
  }
  const KeyNumber order{
      fixed2(overall.spearman), "Spearman correlation of |weight| and impact",
      overall.spearman ? "1 is the same order, 0 none, -1 the reverse" : "one side is constant, or too few weights"};
  KeyNumber common{"–", "of the top 1 % by impact are in the top 1 % by |weight|", "nothing moved the output"};
  if (overall.overlap) {
    common.value = percentText(*overall.overlap);
    common.meaning = "blind choice would give " + percentText(overall.chance);
  }
  return {among, order, common};
}

ordered_json pageData(const Run& run, const Findings& findings, const json& comparison, const std::string& folder) {
  const Groups groups = groupsOf(run);
  const Metric metric = run.settings.metrics.front();
  ordered_json numbers = ordered_json::array();
  const bool components = findings.weights == 0 && !run.components.empty();
  for (const KeyNumber& each : components ? componentNumbers(run) : keyNumbers(findings))
    numbers.push_back({{"value", each.value}, {"label", each.label}, {"meaning", each.meaning}});
  ordered_json summary = summaryJson(run, findings);
  ordered_json magnitude = magnitudeJson(run, findings);
  takeLists(comparison, magnitude);
  ordered_json criteria = criteriaJson(comparison, folder);
  criteria["agreements"] = magnitude["agreements"];
  const bool has_outliers = comparison.is_object() && comparison.contains("outliers");
  ordered_json outliers = outliersJson(run, has_outliers ? comparison.at("outliers") : json());
  if (!outliers["has_joint"].get<bool>())
    outliers["joint_missing"] = missingJson("The bins were not executed jointly yet.", "heft compare " + folder);
  return {{"title", fileNameOf(run.provenance.model)},
          {"folder", folder},
          {"complete", run.complete},
          {"verdict", summary["verdict"]},
          {"certainty", summary["certainty"]},
          {"numbers", std::move(numbers)},
          {"weights", findings.weights},
          {"components", run.components.size()},
          {"metric", name(metric)},
          {"metric_words", metricWords(metric)},
          {"aggregate", aggregateOf(metric) == Aggregate::root_of_squares ? "root of the sum of squares" : "sum"},
          {"squares", aggregateOf(metric) == Aggregate::root_of_squares},
          {"changing", changing(run.settings.perturbation)},
          {"interval", significant(100 * (1 - run.settings.alpha), 4) + " % interval"},
          {"top", std::move(summary["top"])},
          {"signs", signsJson(run, groups)},
          {"effects", effectsJson(comparison, folder)},
          {"magnitude", std::move(magnitude)},
          {"features", featuresJson(comparison, folder)},
          {"outliers", std::move(outliers)},
          {"shift", shiftJson(comparison, folder)},
          {"hierarchy", components ? componentHierarchyJson(run, groups) : hierarchyJson(run, groups)},
          {"served", servedJson(run)},
          {"agreement", agreementJson(comparison)},
          {"component_criteria", componentCriteriaJson(comparison)},
          {"criteria", std::move(criteria)},
          {"curves", curvesJson(comparison, folder)},
          {"facts", factsJson(run, findings)},
          {"notes", run.notes}};
}

}  // namespace heft
