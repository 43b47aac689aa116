#include "report/compared.hpp"

#include <algorithm>
#include <cmath>

#include "data/words.hpp"
#include "heft/error.hpp"
#include "report/answer.hpp"
#include "report/json_parts.hpp"
#include "run/stored/json_reader.hpp"

namespace heft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// More than these no picture can show, and the page must stay small.
constexpr std::size_t mostCriteria = 30, mostPoints = 200, mostGroups = 400, mostColumns = 200, mostRows = 60;

/// What `make` gives, or the missing section where comparison.json doesn't hold it in the form expected.
template <class Make>
ordered_json sectionOr(const json& comparison, const char* key, const ordered_json& missing, Make make) {
  if (!comparison.is_object() || !comparison.contains(key) || comparison.at(key).empty()) return missing;
  try {
    return make(comparison.at(key));
  } catch (const json::exception&) {
    return missing;
  }
}

std::string fixed2(double value) {
  if (!std::isfinite(value)) return "–";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

std::string sentenceCase(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// The place of the largest |number| in a list of numbers; none where there is no number.
std::optional<std::size_t> strongest(const ordered_json& list) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_number()) continue;
    if (!best || std::abs(list[i].get<double>()) > std::abs(list[*best].get<double>())) best = i;
  }
  return best;
}

ordered_json makeCriteria(const json& criteria) {
  ordered_json rows = ordered_json::array();
  for (const auto& [name, each] : criteria.items()) {
    if (rows.size() == mostCriteria) break;
    const json& overall = each.at("overall");
    ordered_json row = {
        {"name", name}, {"label", textOr(each, "label", name)}, {"seconds", numberOrNull(each, "seconds")}};
    for (const char* key : {"spearman", "kendall", "rbo", "deletion_area", "insertion_area"})
      row[key] = numberOrNull(overall, key);
    row["interval"] =
        overall.contains("spearman_interval") ? numbers(overall.at("spearman_interval"), 2) : ordered_json();
    row["overlap"] = ordered_json::object();
    if (overall.contains("overlap")) {
      for (const auto& [share, value] : overall.at("overlap").items()) {
        if (value.is_number() && row["overlap"].size() < 8) row["overlap"][share] = rounded(value.get<double>());
      }
    }
    rows.push_back(std::move(row));
  }
  const ordered_json* best = nullptr;
  for (const ordered_json& row : rows) {
    if (row["name"] == "impact" || !row["spearman"].is_number()) continue;
    if (best == nullptr || row["spearman"].get<double>() > (*best)["spearman"].get<double>()) best = &row;
  }
  Answer answer;
  answer.number = best == nullptr ? "–" : fixed2((*best)["spearman"].get<double>());
  answer.what = "Spearman of the closest cheap score with measured impact";
  answer.sentence = best == nullptr ? "No score could be compared."
                                    : sentenceCase((*best)["label"].get<std::string>()) +
                                          " comes closest to measured impact, with a Spearman of " + answer.number +
                                          " over all weights.";
  const auto magnitude =
      std::find_if(rows.begin(), rows.end(), [](const ordered_json& row) { return row["name"] == "magnitude"; });
  if (magnitude != rows.end() && (*magnitude)["spearman"].is_number() && best != nullptr &&
      (*best)["name"] != "magnitude")
    answer.sentence += " Magnitude has " + fixed2((*magnitude)["spearman"].get<double>()) + ".";
  if (best != nullptr && (*best)["interval"].is_array() && (*best)["interval"].size() == 2 &&
      (*best)["interval"][0].is_number() && (*best)["interval"][1].is_number())
    answer.sure = "The interval of that Spearman is " + fixed2((*best)["interval"][0].get<double>()) + " to " +
                  fixed2((*best)["interval"][1].get<double>()) + ".";
  ordered_json section = answerJson(answer);
  section["rows"] = std::move(rows);
  return section;
}

ordered_json makeCurves(const json& curves) {
  ordered_json lines = ordered_json::array();
  for (const json& each : curves) {
    if (lines.size() == 4 * mostCriteria) break;
    ordered_json line = {{"criterion", each.at("criterion").get<std::string>()},
                         {"kind", each.at("kind").get<std::string>()}};
    line["share"] = numbers(each.at("share"), mostPoints);
    for (const char* key : {"change", "loss", "accuracy"})
      line[key] = each.contains(key) && each.at(key).is_array() ? numbers(each.at(key), mostPoints) : ordered_json();
    lines.push_back(std::move(line));
  }
  // Where the first tenth of the weights goes, the orders differ most and no score can hide behind the rest.
  const ordered_json* worst = nullptr;
  double worst_change = -1, worst_share = 0;
  for (const ordered_json& line : lines) {
    if (line["kind"] != "deletion" || !line["change"].is_array()) continue;
    for (std::size_t i = 0; i < std::min(line["share"].size(), line["change"].size()); ++i) {
      if (!line["share"][i].is_number() || !line["change"][i].is_number() || line["share"][i].get<double>() > 0.1)
        continue;
      if (line["change"][i].get<double>() > worst_change) {
        worst_change = line["change"][i].get<double>();
        worst_share = line["share"][i].get<double>();
        worst = &line;
      }
    }
  }
  Answer answer;
  answer.number = worst == nullptr ? "–" : significant(worst_change, 3);
  answer.what = worst == nullptr ? "no point below a tenth of the weights"
                                 : "change of the output with " + percentText(worst_share) + " of the weights removed";
  answer.sentence = worst == nullptr ? "These curves have no point where a tenth of the weights or fewer are removed."
                                     : "Among the first tenth of the weights, removing them in the order of " +
                                           (*worst)["criterion"].get<std::string>() + " hurts most.";
  answer.sure = "Every point was executed.";
  ordered_json section = answerJson(answer);
  section["lines"] = std::move(lines);
  return section;
}

ordered_json makeEffects(const json& effects) {
  const std::vector<std::string> outputs = texts(effects.at("outputs"), mostColumns);
  ordered_json groups = ordered_json::array();
  struct {
    double change = 0;
    std::string group, sign;
    std::size_t output = 0;
  } most;
  for (const json& each : effects.at("groups")) {
    if (groups.size() == mostGroups) break;
    ordered_json row = {{"name", each.at("name").get<std::string>()},
                        {"level", textOr(each, "level", "")},
                        {"sign", textOr(each, "sign", "all")},
                        {"weights", numberOrNull(each, "weights")},
                        {"joint", numberOrNull(each, "joint")}};
    row["change"] = numbers(each.at("change"), outputs.size());
    row["impact"] = each.contains("impact") ? numbers(each.at("impact"), outputs.size()) : ordered_json();
    const std::optional<std::size_t> place = strongest(row["change"]);
    if (place && row["sign"] != "all" && std::abs(row["change"][*place].get<double>()) > std::abs(most.change))
      most = {row["change"][*place].get<double>(), row["name"], row["sign"], *place};
    groups.push_back(std::move(row));
  }
  std::string sentence = "No group changed an output on average.";
  if (most.change != 0)
    sentence = std::string("The strongest push: without the ") + most.sign + " weights of " + most.group + ", " +
               outputs.at(most.output) + (most.change < 0 ? " falls by " : " rises by ") +
               significant(std::abs(most.change), 2) + " on average.";
  return {{"sentence", sentence}, {"outputs", outputs}, {"groups", std::move(groups)}};
}

ordered_json makeFeatures(const json& features) {
  const std::vector<std::string> names = texts(features.at("names"), mostColumns);
  const std::vector<std::string> groups = texts(features.at("groups"), mostGroups);
  ordered_json shares = ordered_json::array();
  double most = -1;
  std::size_t group = 0, feature = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    shares.push_back(numbers(features.at("share").at(g), names.size()));
    for (std::size_t f = 0; f < shares[g].size(); ++f) {
      if (!shares[g][f].is_number() || shares[g][f].get<double>() <= most) continue;
      most = shares[g][f].get<double>();
      group = g;
      feature = f;
    }
  }
  Answer answer;
  answer.number = most < 0 ? "–" : percentText(most);
  answer.what = most < 0 ? "no feature was held" : "of the impact of " + groups[group] + " goes with " + names[feature];
  answer.sentence = most < 0 ? "No feature could be compared."
                             : "Holding " + names[feature] + " at its mean takes away " + answer.number +
                                   " of the impact of " + groups[group] +
                                   ", more than any other feature takes from any group.";
  answer.sure = "Each number is the executed impact with the feature held, against the impact without.";
  ordered_json section = answerJson(answer);
  section["names"] = names;
  section["groups"] = groups;
  section["share"] = std::move(shares);
  section["top_units"] = ordered_json::array();
  if (features.contains("top_units")) {
    for (const auto& [name, units] : features.at("top_units").items()) {
      if (section["top_units"].size() == mostColumns) break;
      section["top_units"].push_back({{"feature", name}, {"units", records(units, {"unit", "share"}, 10)}});
    }
  }
  return section;
}

ordered_json makeShift(const json& shift) {
  const double spearman = numberOr(shift, "spearman", std::nan(""));
  Answer answer;
  answer.number = fixed2(spearman);
  answer.what = "Spearman of the two rankings (1: the same order)";
  const std::string other = textOr(shift, "other_run", "the other run");
  ordered_json section;
  std::size_t only = 0;
  for (const char* key : {"only_here", "only_there", "rose", "fell"}) {
    section[key] = shift.contains(key) && shift.at(key).is_array()
                       ? records(shift.at(key), {"weight", "value", "impact", "impact_there"}, mostRows)
                       : ordered_json::array();
  }
  only = section["only_here"].size();
  const std::string opening = !std::isfinite(spearman) ? "The two rankings could not be correlated"
                              : spearman >= 0.8        ? "Mostly yes: the ranking on " + other + " is much the same"
                              : spearman >= 0.5        ? "In part: the ranking on " + other + " differs"
                                                       : "No: the ranking on " + other + " is another one";
  answer.sentence =
      opening + " (Spearman " + answer.number + ")" +
      (only > 0 ? "; " + counted(only, "listed weight") + " matter" + (only == 1 ? "s" : "") + " only here." : ".");
  answer.sure = "Both runs' own intervals apply; see each run's report.";
  ordered_json whole = answerJson(answer);
  whole["other"] = other;
  for (const char* key : {"only_here", "only_there", "rose", "fell"}) whole[key] = std::move(section[key]);
  return whole;
}

}  // namespace

json readComparison(const std::filesystem::path& folder) {
  try {
    return readJsonFile(folder / "comparison.json");
  } catch (const Error&) {
    return {};
  }
}

ordered_json criteriaJson(const json& comparison, const std::string& folder) {
  return sectionOr(comparison, "criteria",
                   missingJson("Only magnitude was compared in this run so far.", "heft compare " + folder),
                   makeCriteria);
}

ordered_json curvesJson(const json& comparison, const std::string& folder) {
  return sectionOr(comparison, "curves",
                   missingJson("Weights were not removed in order yet.", "heft compare " + folder), makeCurves);
}

ordered_json effectsJson(const json& comparison, const std::string& folder) {
  return sectionOr(comparison, "effects",
                   missingJson("Which outputs rise and which fall was not measured yet.", "heft compare " + folder),
                   makeEffects);
}

ordered_json featuresJson(const json& comparison, const std::string& folder) {
  return sectionOr(comparison, "features",
                   missingJson("No input feature was held at its mean yet.", "heft compare " + folder), makeFeatures);
}

ordered_json shiftJson(const json& comparison, const std::string& folder) {
  return sectionOr(
      comparison, "shift",
      missingJson("This run was not compared with a run on other inputs yet.", "heft compare " + folder + " OTHER-RUN"),
      makeShift);
}

void takeLists(const json& comparison, ordered_json& magnitude) {
  for (const char* key : {"large_but_inert", "small_but_critical"}) {
    if (!comparison.is_object() || !comparison.contains(key) || !comparison.at(key).is_array()) continue;
    try {
      magnitude[key] = records(comparison.at(key),
                               {"weight", "value", "impact", "magnitude_rank", "impact_rank", "executed"}, mostRows);
    } catch (const json::exception&) {  // the section keeps its own
    }
  }
}

}  // namespace heft
