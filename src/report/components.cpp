#include "report/components.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <span>

#include "analysis/rank_statistics.hpp"
#include "data/words.hpp"
#include "report/json_parts.hpp"
#include "run/findings/component_findings.hpp"
#include "run/stored/group_table.hpp"

namespace heft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// More than these no picture can show, and the page must stay small.
constexpr std::size_t mostRows = 60, mostGroups = 200, mostRuns = 50, mostKinds = 20, mostCriteria = 30;
constexpr std::size_t foremostListed = 3;
constexpr std::size_t fewest = 10;  // components for whose ranks a correlation says anything

bool isMain(const RankedKind& kind) { return kind.path.empty() || kind.path == "all"; }

std::string fixed2(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

/// "class", "classes": what groups are by.
std::string pluralBy(GroupBy by) {
  const std::string word(name(by));
  if (by == GroupBy::klass) return "classes";
  return by == GroupBy::target ? "target classes" : word + "s";
}

/// Places in `kind.order` of those that matter most to a group.
std::vector<std::size_t> foremostOf(const Run& run, const RankedKind& kind, std::size_t group) {
  std::vector<double> impacts;
  for (const auto c : kind.order)
    impacts.push_back(groupImpact(run.components[c], run.settings.metrics.front(), group));
  return largest(std::span<const double>(impacts), foremostListed);
}

ordered_json kindJson(const Run& run, const RankedKind& kind) {
  const Metric metric = run.settings.metrics.front();
  const std::size_t groups = std::min(run.groups.size(), mostGroups);
  auto rows = ordered_json::array(), impact = rows, error = rows, foremost = rows;
  for (std::size_t i = 0; i < std::min(kind.order.size(), mostRows); ++i) {
    const auto& one = run.components[kind.order[i]];
    auto values = ordered_json::array(), errors = values;
    for (std::size_t g = 0; g < groups; ++g) {
      values.push_back(rounded(groupImpact(one, metric, g)));
      errors.push_back(rounded(groupError(one, g)));
    }
    rows.push_back(one.name);
    impact.push_back(std::move(values));
    error.push_back(std::move(errors));
  }
  for (std::size_t g = 0; g < groups; ++g) {
    for (const auto at : foremostOf(run, kind, g)) {
      const auto& one = run.components[kind.order[at]];
      foremost.push_back({{"group", run.groups[g].name},
                          {"name", one.name},
                          {"impact", rounded(groupImpact(one, metric, g))},
                          {"error", rounded(groupError(one, g))},
                          {"whole", rounded(impactOf(run, one))}});
    }
  }
  return {{"level", name(kind.level)}, {"path", kind.path},
          {"words", wordsOf(kind)},    {"all", kind.order.size()},
          {"rows", std::move(rows)},   {"impact", std::move(impact)},
          {"error", std::move(error)}, {"foremost", std::move(foremost)}};
}

Answer servedAnswer(const Run& run, const RankedKind& kind) {
  std::set<std::size_t> different;
  double most = -1;
  std::string component, group;
  for (std::size_t g = 0; g < run.groups.size(); ++g) {
    const auto first = foremostOf(run, kind, g);
    if (first.empty()) continue;
    different.insert(first.front());
    const auto& one = run.components[kind.order[first.front()]];
    const double impact = groupImpact(one, run.settings.metrics.front(), g);
    if (impact <= most) continue;
    most = impact;
    component = one.name;
    group = run.groups[g].name;
  }
  const std::string by(name(run.settings.by)), groups = grouped(run.groups.size()) + " " + pluralBy(run.settings.by);
  Answer answer;
  answer.number = grouped(different.size());
  answer.what = (different.size() == 1 ? "different " + std::string(name(kind.level)) + " is"
                                       : "different " + pluralOf(kind.level) + " are") +
                " foremost for the " + groups;
  answer.sentence = different.size() == 1 ? "One and the same " + std::string(name(kind.level)) +
                                                " matters most to all " + groups + ": " + component + "."
                                          : "Of " + grouped(kind.order.size()) + " " + wordsOf(kind) + ", " +
                                                component + " matters most to any one: on " + by + " " + group +
                                                " alone it moves the output by " + significant(most, 3) + ".";
  answer.sure = "Every component was executed once, and measured on each group's own outputs.";
  return answer;
}

}  // namespace

std::vector<KeyNumber> componentNumbers(const Run& run) {
  std::vector<KeyNumber> numbers;
  for (const auto& kind : rankedKinds(run)) {
    if (!isMain(kind) || numbers.size() == 2) continue;
    const auto& first = run.components[kind.order.front()];
    numbers.push_back(
        {significant(impactOf(run, first), 3),
         "impact of " + first.name + ", the foremost of " + grouped(kind.order.size()) + " " + wordsOf(kind),
         "the output itself has an rms of " + significant(run.output.rms, 3)});
  }
  for (const auto& kind : rankedKinds(run)) {
    if (!isMain(kind) || !kind.spearman || kind.order.size() < fewest) continue;
    numbers.push_back({fixed2(*kind.spearman),
                       "Spearman correlation of the norm of the weights and the impact of " +
                           grouped(kind.order.size()) + " " + wordsOf(kind),
                       "1 is the same order, 0 none, -1 the reverse"});
    break;
  }
  return numbers;
}

Answer componentsAnswer(const Run& run) {
  Answer answer;
  const auto kinds = rankedKinds(run);
  if (kinds.empty()) return {"–", "nothing was measured", "Nothing was measured.", ""};
  const auto& first = run.components[kinds.front().order.front()];
  answer.number = significant(impactOf(run, first), 3);
  answer.what = "impact of " + first.name + ", changed as a whole";
  answer.sentence = componentSentence(run);
  answer.sure = componentCertainty(run);
  return answer;
}

ordered_json servedJson(const Run& run) {
  if (run.groups.empty() || run.components.empty()) return {};
  const auto kinds = rankedKinds(run);
  const auto main = std::find_if(kinds.begin(), kinds.end(), isMain);
  auto section = answerJson(servedAnswer(run, main == kinds.end() ? kinds.front() : *main));
  auto names = ordered_json::array(), list = names;
  for (std::size_t g = 0; g < std::min(run.groups.size(), mostGroups); ++g) names.push_back(run.groups[g].name);
  for (const auto& kind : kinds) list.push_back(kindJson(run, kind));
  section["by"] = name(run.settings.by);
  section["by_words"] = run.settings.by == GroupBy::target ? "target class" : std::string(name(run.settings.by));
  section["all_groups"] = run.groups.size();
  section["groups"] = std::move(names);
  section["kinds"] = std::move(list);
  return section;
}

ordered_json agreementJson(const json& comparison) {
  try {
    const json& found = comparison.at("agreement");
    ordered_json section = {{"runs", texts(found.at("runs"), mostRuns)}, {"kinds", ordered_json::array()}};
    for (const json& kind : found.at("kinds")) {
      if (section["kinds"].size() == mostKinds) break;
      auto rows = ordered_json::array();
      for (const json& one : kind.at("components")) {
        if (rows.size() == mostRows) break;
        rows.push_back({{"name", one.at("name").get<std::string>()},
                        {"impact", numbers(one.at("impact"), mostRuns)},
                        {"mean", numberOrNull(one, "mean")},
                        {"spread", numberOrNull(one, "spread")}});
      }
      auto pairs = ordered_json::array();
      for (const json& row : kind.at("spearman")) {
        if (pairs.size() == mostRuns) break;
        pairs.push_back(numbers(row, mostRuns));
      }
      section["kinds"].push_back({{"level", kind.at("level").get<std::string>()},
                                  {"path", textOr(kind, "path", "")},
                                  {"common", numberOrNull(kind, "common")},
                                  {"mean_spearman", numberOrNull(kind, "mean_spearman")},
                                  {"spearman", std::move(pairs)},
                                  {"rows", std::move(rows)}});
    }
    return section["kinds"].empty() ? ordered_json() : section;
  } catch (const json::exception&) {
    return {};
  }
}

ordered_json componentCriteriaJson(const json& comparison) {
  auto list = ordered_json::array();
  if (!comparison.is_object() || !comparison.contains("component_criteria")) return list;
  try {
    for (const auto& [name, each] : comparison.at("component_criteria").items()) {
      if (list.size() == mostCriteria) break;
      auto kinds = ordered_json::array();
      for (const json& kind : each.at("kinds")) {
        if (kinds.size() == mostKinds) break;
        kinds.push_back({{"level", kind.at("level").get<std::string>()},
                         {"path", textOr(kind, "path", "")},
                         {"spearman", numberOrNull(kind, "spearman")}});
      }
      list.push_back({{"label", textOr(each, "label", name)}, {"kinds", std::move(kinds)}});
    }
    return list;
  } catch (const json::exception&) {
    return ordered_json::array();
  }
}

}  // namespace heft
