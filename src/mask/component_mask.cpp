#include "mask/component_mask.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/rank_statistics.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/weights/component.hpp"
#include "run/findings/component_findings.hpp"

namespace heft {
namespace {

std::string levelsOf(const Run& run) {
  std::vector<std::string> names;
  for (const auto& one : run.components) {
    const std::string name(heft::name(one.level));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return joined(names, ", ");
}

std::string scopeKey(const ComponentImpact& component, const ComponentMaskSettings& settings) {
  switch (settings.scope) {
    case ComponentScope::layer:
      if (settings.level == Level::unit || settings.level == Level::gate)
        return component.name.substr(0, component.name.find(':'));
      break;
    case ComponentScope::matrix:
      if (settings.level == Level::row || settings.level == Level::column)
        return component.name.substr(0, component.name.rfind('['));
      break;
    case ComponentScope::global:
      return "";
  }
  throw Error(Fault::usage, settingName("scope") + ": with " + settingName("level") + " " +
                                std::string(name(settings.level)) + ", global" +
                                (settings.level == Level::unit || settings.level == Level::gate    ? " or layer"
                                 : settings.level == Level::row || settings.level == Level::column ? " or matrix"
                                                                                                   : "") +
                                " was expected");
}

/// The components of the level and path, apart by where a share of them is kept.
std::map<std::string, std::vector<std::size_t>> contestsOf(const Run& run, const ComponentMaskSettings& settings) {
  std::map<std::string, std::vector<std::size_t>> contests;
  bool level = false;
  for (std::size_t c = 0; c < run.components.size(); ++c) {
    const auto& one = run.components[c];
    level |= one.level == settings.level;
    if (one.level == settings.level && one.path == settings.path) contests[scopeKey(one, settings)].push_back(c);
  }
  if (!contests.empty()) return contests;
  const std::string known = levelsOf(run);
  if (level)
    throw Error(Fault::usage, settingName("path") + " " + settings.path + ": the run has no " +
                                  pluralOf(settings.level) + " of that path");
  throw Error(Fault::usage, settingName("level") + " " + std::string(name(settings.level)) + ": the run measured no " +
                                pluralOf(settings.level) + (known.empty() ? "" : ", but " + known) +
                                "; 'heft rank --components " + std::string(name(settings.level)) + "' does");
}

/// Takes a component's weights into the mask: as part of the ranking, and where it goes as removed.
void enter(const Run& run, const ComponentImpact& one, bool removed, std::vector<std::vector<std::uint8_t>>& ranked,
           Mask& mask) {
  for (const auto& set : parseComponent(run.structure, one.name).sets) {
    const auto p = static_cast<std::size_t>(set.parameter);
    for (const auto index : set.index) {
      ranked[p][static_cast<std::size_t>(index)] = 1;
      if (removed) mask.kept[p][static_cast<std::size_t>(index)] = 0;
    }
  }
}

}  // namespace

ComponentMask maskOfComponents(const Run& run, std::span<const double> scores, const ComponentMaskSettings& settings) {
  if (!(settings.keep > 0 && settings.keep <= 1))
    throw Error(Fault::usage,
                "the share to keep is " + significant(settings.keep) + "; above 0 and at most 1 was expected");
  std::set<std::size_t> going;
  ComponentMask found;
  std::vector<std::size_t> taking_part;
  for (const auto& [unused, members] : contestsOf(run, settings)) {
    std::vector<double> own;
    for (const auto c : members) own.push_back(scores[c]);
    const auto order = largest(std::span<const double>(own), own.size());
    found.without_score += members.size() - order.size();
    found.ranked += order.size();
    const auto places = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::llround(settings.keep * static_cast<double>(order.size()))));
    for (std::size_t i = 0; i < order.size(); ++i) {
      taking_part.push_back(members[order[i]]);
      if (i >= places) going.insert(members[order[i]]);
    }
  }
  if (found.ranked == 0) throw Error(Fault::usage, "none of the " + pluralOf(settings.level) + " has a score");
  std::vector<std::vector<std::uint8_t>> ranked;
  for (const auto& info : run.structure.parameters) {
    found.mask.kept.emplace_back(static_cast<std::size_t>(info.weights()), std::uint8_t{1});
    ranked.emplace_back(static_cast<std::size_t>(info.weights()), std::uint8_t{0});
  }
  for (const auto c : taking_part) enter(run, run.components[c], going.contains(c), ranked, found.mask);
  for (const auto& one : ranked)
    found.mask.ranked.push_back(static_cast<std::size_t>(std::count(one.begin(), one.end(), std::uint8_t{1})));
  for (const auto c : going) found.removed.push_back(run.components[c].name);
  return found;
}

Level onlyLevel(const Run& run) {
  std::set<Level> levels;
  for (const auto& one : run.components) levels.insert(one.level);
  if (levels.size() == 1) return *levels.begin();
  if (levels.empty())
    throw Error(Fault::usage, "the run has neither weights nor components; 'heft rank' measures them");
  throw Error(Fault::usage, "the run measured components and no single weights; " + settingName("level") +
                                " says which of them are kept "
                                "whole: " +
                                levelsOf(run));
}

}  // namespace heft
