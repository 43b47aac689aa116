#include "run/findings/component_findings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "analysis/rank_statistics.hpp"
#include "data/words.hpp"

namespace heft {
namespace {

RankedKind& kindOf(std::vector<RankedKind>& kinds, const ComponentImpact& component) {
  for (RankedKind& kind : kinds) {
    if (kind.level == component.level && kind.path == component.path) return kind;
  }
  RankedKind kind;
  kind.level = component.level;
  kind.path = component.path;
  return kinds.emplace_back(std::move(kind));
}

void sortByImpact(const Run& run, RankedKind& kind) {
  std::vector<double> impacts, norms;
  for (const std::size_t place : kind.order) {
    impacts.push_back(impactOf(run, run.components[place]));
    norms.push_back(run.components[place].magnitude);
    kind.moving += impacts.back() > 0;
  }
  kind.spearman = spearman(std::span<const double>(norms), std::span<const double>(impacts));
  std::vector<std::size_t> order;
  for (const std::size_t at : largest(std::span<const double>(impacts), impacts.size()))
    order.push_back(kind.order[at]);
  for (std::size_t i = 0; i < impacts.size(); ++i) {
    if (std::isnan(impacts[i])) order.push_back(kind.order[i]);
  }
  kind.order = std::move(order);
}

bool isMain(const RankedKind& kind) { return kind.path.empty() || kind.path == "all"; }

/// Of the foremost components of each level; relative standard errors.
std::vector<double> foremostErrors(const Run& run) {
  constexpr std::size_t kForemost = 20;
  std::vector<double> relative;
  for (const RankedKind& kind : rankedKinds(run)) {
    for (std::size_t i = 0; i < std::min(kForemost, kind.order.size()); ++i) {
      const ComponentImpact& one = run.components[kind.order[i]];
      const double impact = impactOf(run, one);
      if (impact > 0 && std::isfinite(one.standard_error)) relative.push_back(one.standard_error / impact);
    }
  }
  return relative;
}

}  // namespace

std::vector<RankedKind> rankedKinds(const Run& run) {
  std::vector<RankedKind> kinds;
  for (std::size_t c = 0; c < run.components.size(); ++c) kindOf(kinds, run.components[c]).order.push_back(c);
  // Of units, all paths together say most.
  for (auto first = kinds.begin(); first != kinds.end(); ++first) {
    const auto all = std::find_if(
        first, kinds.end(), [&](const RankedKind& kind) { return kind.level == first->level && kind.path == "all"; });
    if (all != kinds.end()) std::rotate(first, all, all + 1);
  }
  for (RankedKind& kind : kinds) sortByImpact(run, kind);
  return kinds;
}

std::string pluralOf(Level level) {
  const std::string word(name(level));
  return level == Level::matrix ? "matrices" : word + "s";
}

std::string wordsOf(const RankedKind& kind) {
  const std::string words = kind.order.size() == 1 ? std::string(name(kind.level)) : pluralOf(kind.level);
  return isMain(kind) ? words : words + " (" + kind.path + ")";
}

double impactOf(const Run& run, const ComponentImpact& component) {
  const auto found = component.joint.find(std::string(name(run.settings.metrics.front())));
  return found == component.joint.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

std::string withoutPath(const ComponentImpact& component) {
  return component.name.substr(0, component.name.find(":path="));
}

std::string componentSentence(const Run& run) {
  std::string list;
  bool still = true;
  for (const RankedKind& kind : rankedKinds(run)) {
    if (!isMain(kind) || kind.order.empty()) continue;
    const ComponentImpact& first = run.components[kind.order.front()];
    list += (list.empty() ? "" : ", ") + std::string("of ") + grouped(kind.order.size()) + " " + wordsOf(kind) + " " +
            first.name + " (" + significant(impactOf(run, first), 3) + ")";
    still &= kind.moving == 0;
  }
  if (list.empty()) return "Nothing was measured.";
  if (still) return "Changing any of these components did not move the output at all.";
  const bool zero = run.settings.perturbation.kind == Perturbation::Kind::zero;
  return std::string("What matters most when it is ") + (zero ? "removed" : "changed") + " as a whole: " + list + ".";
}

std::string componentCertainty(const Run& run) {
  if (run.components.empty()) return "";
  const std::string text = "Every component was executed: no impact of a component is an estimate.";
  if (run.output.samples < 2) return text + " One sample of inputs: how impacts vary over inputs is unknown.";
  std::vector<double> relative = foremostErrors(run);
  if (relative.empty()) return text;
  const auto middle = relative.begin() + static_cast<std::ptrdiff_t>(relative.size() / 2);
  std::nth_element(relative.begin(), middle, relative.end());
  return text + " Over other inputs like these " + grouped(static_cast<std::size_t>(run.output.samples)) +
         " samples, the foremost ones' impacts would vary by about ±" + significant(100 * *middle, 2) +
         " % (standard error).";
}

}  // namespace heft
