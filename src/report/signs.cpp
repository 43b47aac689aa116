#include "report/signs.hpp"

#include <algorithm>

#include "data/words.hpp"
#include "report/certainty.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t mostGroups = 400;  // of a level: more bars than that can't be told apart

ordered_json sideJson(const ImpactSums& side, Aggregate how) {
  return {{"weights", side.weights},
          {"mean", rounded(side.mean())},
          {"impact", rounded(aggregated(side, how))},
          {"additive", rounded(additive(side, how))},
          {"largest", rounded(side.largest)}};
}

ordered_json groupJson(const Group& group, Aggregate how) {
  return {{"name", group.name},
          {"level", name(group.level)},
          {"negative", sideJson(group.sums.negative, how)},
          {"positive", sideJson(group.sums.positive, how)}};
}

void addGroups(ordered_json& list, const std::vector<Group>& groups, Aggregate how) {
  std::size_t added = 0;
  for (const Group& each : groups) {
    if (each.sums.all().weights == 0 || added == mostGroups) continue;
    list.push_back(groupJson(each, how));
    ++added;
  }
}

ordered_json unitsJson(const LayerUnits& layer, Aggregate how) {
  ordered_json negative = ordered_json::array(), positive = ordered_json::array();
  for (const SignedSums& unit : layer.units) {
    negative.push_back(rounded(aggregated(unit.negative, how)));
    positive.push_back(rounded(aggregated(unit.positive, how)));
  }
  return {{"layer", layer.layer}, {"negative", std::move(negative)}, {"positive", std::move(positive)}};
}

}  // namespace

Answer signsAnswer(const Run& run, const Groups& groups) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  const ImpactSums all = groups.model.all();
  const ImpactSums& negative = groups.model.negative;
  const ImpactSums& positive = groups.model.positive;
  Answer answer;
  answer.sure = sureSentence(all, how);
  if (all.weights == 0 || all.sum == 0) {
    answer.number = "–";
    answer.what = "no weight moved the output";
    answer.sentence = "No weight moved the output, so there is nothing to split by sign.";
    return answer;
  }
  const double share = shareOf(negative, all, how);
  answer.number = percentText(share);
  answer.what = "of the impact comes from negative weights";
  answer.sentence = "Negative weights are " +
                    percentText(static_cast<double>(negative.weights) / static_cast<double>(all.weights)) +
                    " of the weights and carry " + percentText(share) + " of the impact";
  if (negative.weights > 0 && positive.weights > 0) {
    answer.sentence += "; " + changing(run.settings.perturbation) + " one moves the output by " +
                       significant(negative.mean(), 2) + " on average, against " + significant(positive.mean(), 2) +
                       " for a positive one";
  }
  answer.sentence += ".";
  return answer;
}

ordered_json signsJson(const Run& run, const Groups& groups) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  ordered_json section = answerJson(signsAnswer(run, groups));
  ordered_json list = ordered_json::array();
  addGroups(list, groups.layers, how);
  addGroups(list, groups.gates, how);
  addGroups(list, groups.matrices, how);
  section["groups"] = std::move(list);
  section["units"] = ordered_json::array();
  for (const LayerUnits& layer : groups.units) {
    const bool any = std::any_of(layer.units.begin(), layer.units.end(),
                                 [](const SignedSums& unit) { return unit.all().weights > 0; });
    if (any) section["units"].push_back(unitsJson(layer, how));
  }
  return section;
}

}  // namespace heft
