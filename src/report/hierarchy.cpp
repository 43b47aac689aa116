#include "report/hierarchy.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/words.hpp"
#include "report/certainty.hpp"
#include "report/components.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

/// What the page knows of components' members, by the component's name.
std::map<std::string, ImpactSums> knownMembers(const Groups& groups) {
  std::map<std::string, ImpactSums> known;
  for (const std::vector<Group>* each : {&groups.layers, &groups.gates, &groups.matrices}) {
    for (const Group& group : *each) known[group.name] = group.sums.all();
  }
  for (const LayerUnits& layer : groups.units) {
    for (std::size_t u = 0; u < layer.units.size(); ++u)
      known[layer.layer + ":unit=" + std::to_string(u) + ":path=incoming"] = layer.units[u].all();
  }
  return known;
}

ordered_json nodesJson(const std::vector<HierarchyNode>& nodes, Aggregate how) {
  // A list for each field: half the size of a list of objects.
  ordered_json fields;
  for (const char* key : {"label", "name", "level", "parent", "weights", "additive", "impact", "mean", "joint"})
    fields[key] = ordered_json::array();
  for (const HierarchyNode& node : nodes) {
    fields["label"].push_back(node.label);
    fields["name"].push_back(node.name);
    fields["level"].push_back(node.level);
    fields["parent"].push_back(node.parent);
    fields["weights"].push_back(node.sums.weights);
    fields["additive"].push_back(rounded(additive(node.sums, how)));
    fields["impact"].push_back(rounded(aggregated(node.sums, how)));
    fields["mean"].push_back(rounded(node.sums.mean()));
    fields["joint"].push_back(node.joint ? rounded(*node.joint) : ordered_json());
  }
  return fields;
}

ordered_json jointJson(const JointImpact& each) {
  return {{"name", each.name},
          {"level", name(each.level)},
          {"path", each.path},
          {"weights", each.weights},
          {"joint", rounded(each.joint)},
          {"standard_error", rounded(each.standard_error)},
          {"sum", rounded(each.sum)},
          {"aggregate", each.aggregate ? rounded(*each.aggregate) : ordered_json()}};
}

ordered_json sectionOf(const Answer& answer, const std::vector<HierarchyNode>& nodes,
                       const std::vector<JointImpact>& joint, Aggregate how) {
  ordered_json section = answerJson(answer);
  section["nodes"] = nodesJson(nodes, how);
  section["joint"] = ordered_json::array();
  for (const JointImpact& each : joint) section["joint"].push_back(jointJson(each));
  section["joint_missing"] =
      joint.empty() ? missingJson("This run measured single weights only, so no group was changed as a whole.",
                                  "heft rank … --components weight unit gate matrix layer")
                    : ordered_json();
  return section;
}

/// The layer that carries most; none without layers that moved the output.
const Group* foremost(const std::vector<Group>& groups, Aggregate how) {
  const auto most = std::max_element(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return additive(a.sums.all(), how) < additive(b.sums.all(), how);
  });
  return most == groups.end() || additive(most->sums.all(), how) <= 0 ? nullptr : &*most;
}

}  // namespace

std::vector<JointImpact> jointImpacts(const Run& run, const Groups& groups, std::size_t most) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  const std::string metric(name(run.settings.metrics.front()));
  const std::map<std::string, ImpactSums> known = knownMembers(groups);
  std::vector<JointImpact> all;
  for (const ComponentImpact& component : run.components) {
    const auto joint = component.joint.find(metric);
    if (joint == component.joint.end() || !std::isfinite(joint->second)) continue;
    JointImpact each{
        component.name, component.level,          component.path, static_cast<std::size_t>(component.weights),
        joint->second,  component.standard_error, component.sum,  std::nullopt};
    const auto members = known.find(component.name);
    if (members != known.end() && members->second.weights == each.weights)
      each.aggregate = aggregated(members->second, how);
    all.push_back(std::move(each));
  }
  std::stable_sort(all.begin(), all.end(), [](const JointImpact& a, const JointImpact& b) {
    return a.level != b.level ? a.level > b.level : a.joint > b.joint;
  });
  std::map<Level, std::size_t> kept;
  std::erase_if(all, [&](const JointImpact& each) { return ++kept[each.level] > most; });
  return all;
}

Answer hierarchyAnswer(const Run& run, const Groups& groups, const std::vector<JointImpact>& joint) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  const ImpactSums all = groups.model.all();
  Answer answer;
  answer.sure = sureSentence(all, how);
  const Group* layer = foremost(groups.layers, how);
  const Group* matrix = foremost(groups.matrices, how);
  if (matrix == nullptr) {
    answer.number = "–";
    answer.what = "no weight moved the output";
    answer.sentence = "No weight moved the output, so no part of the model stands out.";
    return answer;
  }
  const Group& chief = layer == nullptr ? *matrix : *layer;
  answer.number = percentText(shareOf(chief.sums.all(), all, how));
  answer.what = "of the impact lies in " + chief.name;
  answer.sentence = chief.name + " carries " + answer.number + " of the impact with " +
                    percentText(static_cast<double>(chief.sums.all().weights) / static_cast<double>(all.weights)) +
                    " of the weights";
  if (layer != nullptr)
    answer.sentence +=
        "; the foremost matrix is " + matrix->name + " with " + percentText(shareOf(matrix->sums.all(), all, how));
  answer.sentence += ".";
  const auto together = std::find_if(joint.begin(), joint.end(), [](const JointImpact& each) {
    return each.aggregate && *each.aggregate > 0 && each.level != Level::unit;
  });
  if (together != joint.end()) {
    answer.sentence += " Changed together, the weights of " + together->name + " move the output by " +
                       significant(together->joint, 2) + "; their own impacts add up to " +
                       significant(*together->aggregate, 2) +
                       (how == Aggregate::root_of_squares ? " (root of the sum of squares)." : ".");
  }
  answer.sure += joint.empty() ? " No group was executed jointly." : " Joint impacts were executed.";
  return answer;
}

ordered_json hierarchyJson(const Run& run, const Groups& groups) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  const std::vector<JointImpact> joint = jointImpacts(run, groups);
  return sectionOf(hierarchyAnswer(run, groups, joint), hierarchyOf(run, groups), joint, how);
}

ordered_json componentHierarchyJson(const Run& run, const Groups& groups) {
  return sectionOf(componentsAnswer(run), {}, jointImpacts(run, groups), aggregateOf(run.settings.metrics.front()));
}

}  // namespace heft
