#include "cli/mask_report.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/table.hpp"
#include "data/words.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

using nlohmann::ordered_json;

std::string percent(double share) { return significant(100 * share, 3) + " %"; }

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string matricesText(const MaskReport& report, const Structure& structure) {
  Table table("lrrrr");
  table.row({"parameter", "weights", "ranked", "removed", "kept of ranked"});
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const auto ranked = report.mask.ranked[p];
    const auto removed = report.mask.removed(p);
    table.row({structure.parameters[p].name, grouped(report.mask.kept[p].size()), ranked == 0 ? "–" : grouped(ranked),
               ranked == 0 ? "–" : grouped(removed),
               ranked == 0 ? "all stay" : percent(share(ranked - removed, ranked))});
  }
  return table.text(0);
}

std::string stayingText(const Mask& mask) {
  std::string text;
  if (mask.vectors > 0)
    text +=
        counted(mask.vectors, "weight") + " of biases and other vectors stay and don't count (--biases ranks them).\n";
  if (mask.without_score > 0)
    text += counted(mask.without_score, "weight") + " without a score or outside the run stay and don't count.\n";
  return text;
}

std::string executedText(const RemovalBaseline& before, const RemovalPoint& after) {
  std::string text = "Executed: the output moves by " + significant(after.change) + " (rms)";
  if (before.rms > 0) text += ", " + percent(after.change / before.rms) + " of its own " + significant(before.rms);
  if (before.loss && after.loss) text += "; loss " + significant(*before.loss) + " -> " + significant(*after.loss);
  if (before.accuracy && after.accuracy)
    text += "; accuracy " + percent(*before.accuracy) + " -> " + percent(*after.accuracy);
  return wrapped(text + ".", kTerminalWidth) + "\n";
}

std::string weightsHeading(const MaskReport& report) {
  const auto ranked = report.mask.rankedWeights();
  const auto removed = report.mask.removed();
  return grouped(ranked - removed) + " of " + counted(ranked, "ranked weight") + " stay (" +
         percent(share(ranked - removed, ranked)) + "), " + grouped(removed) + " go, by " + report.label +
         (report.settings.per_matrix ? ", in each matrix" : ", over all matrices") + "\n";
}

std::string componentsHeading(const MaskReport& report) {
  const auto& of = *report.components;
  const auto stay = of.ranked - of.removed.size();
  std::string text = grouped(stay) + " of " + grouped(of.ranked) + " " + of.words + " stay (" +
                     percent(share(stay, of.ranked)) + "), " + grouped(of.removed.size()) + " go, by " + report.label +
                     (of.scope == "global" ? "" : ", in each " + of.scope) + "; " +
                     counted(report.mask.removed(), "weight") + " of " + grouped(report.mask.weights()) +
                     (report.mask.removed() == 1 ? " goes with them." : " go with them.");
  constexpr std::size_t kShown = 8;
  if (!of.removed.empty()) text += " Removed: ";
  for (std::size_t i = 0; i < std::min(kShown, of.removed.size()); ++i) text += (i > 0 ? ", " : "") + of.removed[i];
  if (of.removed.size() > kShown) text += " and " + grouped(of.removed.size() - kShown) + " more";
  return wrapped(text + (of.removed.empty() ? "" : "."), kTerminalWidth) + "\n";
}

ordered_json beforeAfter(const std::optional<double>& before, const std::optional<double>& after) {
  if (!before || !after) return nullptr;
  return {{"before", finiteOrNull(before)}, {"after", finiteOrNull(after)}};
}

}  // namespace

std::string textOf(const MaskReport& report, const Structure& structure) {
  std::string text = (report.components ? componentsHeading(report) : weightsHeading(report)) + "\n" +
                     matricesText(report, structure) + "\n" + stayingText(report.mask);
  if (report.components && report.components->without_score > 0)
    text += counted(report.components->without_score, "component") + " without a score stay and don't count.\n";
  if (report.before && report.after) text += executedText(*report.before, *report.after);
  text += "written: " + report.file + (report.applied.empty() ? "" : ", " + report.applied) + "\n";
  return text;
}

std::string jsonOf(const MaskReport& report, const Structure& structure) {
  auto parameters = ordered_json::array();
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const auto removed = report.mask.removed(p);
    parameters.push_back({{"name", structure.parameters[p].name},
                          {"weights", report.mask.kept[p].size()},
                          {"ranked", report.mask.ranked[p]},
                          {"kept", report.mask.kept[p].size() - removed},
                          {"removed", removed}});
  }
  ordered_json document = {{"file", report.file},
                           {"applied", report.applied.empty() ? ordered_json() : ordered_json(report.applied)},
                           {"by", report.criterion},
                           {"keep", report.settings.keep},
                           {"scope", report.settings.per_matrix ? "matrix" : "global"},
                           {"biases", report.settings.biases},
                           {"weights", report.mask.weights()},
                           {"ranked", report.mask.rankedWeights()},
                           {"removed", report.mask.removed()},
                           {"vectors_kept", report.mask.vectors},
                           {"kept_without_score", report.mask.without_score},
                           {"parameters", parameters},
                           {"components", nullptr},
                           {"executed", nullptr}};
  if (report.components) {
    document["scope"] = report.components->scope;
    document["components"] = {{"level", report.settings.level},
                              {"ranked", report.components->ranked},
                              {"kept", report.components->ranked - report.components->removed.size()},
                              {"removed", report.components->removed},
                              {"kept_without_score", report.components->without_score}};
  }
  if (report.before && report.after) {
    document["executed"] = {{"change", finiteOrNull(report.after->change)},
                            {"output_rms", finiteOrNull(report.before->rms)},
                            {"loss", beforeAfter(report.before->loss, report.after->loss)},
                            {"accuracy", beforeAfter(report.before->accuracy, report.after->accuracy)}};
  }
  return jsonText(document) + "\n";
}

}  // namespace heft::cli
