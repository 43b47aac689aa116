#include "run/text/component_text.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "analysis/rank_statistics.hpp"
#include "data/printable.hpp"
#include "data/words.hpp"
#include "run/findings/component_findings.hpp"
#include "run/stored/group_table.hpp"
#include "run/text/verdict.hpp"

namespace heft {
namespace {

constexpr std::size_t rowsShown = 20;
constexpr std::size_t groupsShown = 20;
constexpr std::size_t foremostShown = 3;
constexpr std::size_t nameWidth = 26;
constexpr std::size_t kFewest = 10;  // components for whose ranks a correlation says anything

const std::vector<std::string> otherPaths = {"incoming", "outgoing", "recurrent"};

/// Without those at its end.
std::string withoutBlanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string plusMinus(double value, double error) {
  return std::isfinite(error) ? significant(value) + " ± " + significant(error, 2) : significant(value);
}

/// Impacts of units by their other paths, by "NAME PATH".
using Paths = std::map<std::string, double>;

Paths pathsOf(const Run& run) {
  Paths paths;
  for (const ComponentImpact& one : run.components) {
    if (!one.path.empty()) paths[withoutPath(one) + " " + one.path] = impactOf(run, one);
  }
  return paths;
}

/// What a kind's table has beside the impact.
struct Columns {
  std::vector<std::string> paths;  ///< of a unit, the others than the table's own
  bool sums = false;               ///< what their weights' own impacts add up to
};

Columns columnsOf(const Run& run, const RankedKind& kind, const Paths& paths) {
  Columns columns;
  for (const std::string& path : otherPaths) {
    const auto has = [&](std::size_t c) { return paths.contains(withoutPath(run.components[c]) + " " + path); };
    if (kind.path == "all" && std::any_of(kind.order.begin(), kind.order.end(), has)) columns.paths.push_back(path);
  }
  columns.sums = std::any_of(kind.order.begin(), kind.order.end(),
                             [&](std::size_t c) { return std::isfinite(run.components[c].sum); });
  return columns;
}

std::string title(const Run& run, const RankedKind& kind, std::size_t shown) {
  const std::string of = " by " + std::string(name(run.settings.metrics.front())) + " impact under '" +
                         run.settings.perturbation.text() + "', changed as a whole";
  if (shown == kind.order.size()) return (shown == 1 ? "The " : "The " + grouped(shown) + " ") + wordsOf(kind) + of;
  return "The " + grouped(shown) + " " + wordsOf(kind) + " that matter most of " + grouped(kind.order.size()) + "," +
         of;
}

std::string kindTable(const Run& run, const RankedKind& kind, const Paths& paths) {
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(run.settings.top, 1));
  const std::size_t shown = std::min({kind.order.size(), wanted, rowsShown});
  const Columns columns = columnsOf(run, kind, paths);
  std::string text = wrapped(title(run, kind, shown), verdictWidth) + "\n";
  std::string head = rightAligned("#", 3) + "  " + padded(std::string(name(kind.level)), nameWidth) +
                     rightAligned("weights", 10) + "  " + padded("impact ± std. error", 20);
  for (const std::string& path : columns.paths) head += rightAligned(path, 10);
  if (columns.sums) head += rightAligned("summed", 9);
  text += withoutBlanks(std::move(head)) + "\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const ComponentImpact& one = run.components[kind.order[i]];
    std::string line = rightAligned(std::to_string(i + 1), 3) + "  " +
                       padded(shortenedInTheMiddle(printable(one.name), nameWidth), nameWidth) +
                       rightAligned(grouped(static_cast<std::size_t>(one.weights)), 10) + "  " +
                       padded(plusMinus(impactOf(run, one), one.standard_error), 20);
    for (const std::string& path : columns.paths) {
      const auto found = paths.find(withoutPath(one) + " " + path);
      line += rightAligned(found == paths.end() ? "–" : significant(found->second, 3), 10);
    }
    if (columns.sums) line += rightAligned(significant(one.sum, 3), 9);
    text += withoutBlanks(std::move(line)) + "\n";
  }
  if (shown < kind.order.size())
    text += "and " + grouped(kind.order.size() - shown) + " further " + pluralOf(kind.level) + " in components.csv\n";
  if (kind.spearman && kind.order.size() >= kFewest)
    text += "The norm of their weights against impact: Spearman " + significant(*kind.spearman, 2) + " over " +
            grouped(kind.order.size()) + " " + wordsOf(kind) + ".\n";
  return text;
}

std::string foremostLine(const Run& run, const RankedKind& kind, std::size_t group) {
  const Metric metric = run.settings.metrics.front();
  std::vector<double> impacts;
  for (const std::size_t c : kind.order) impacts.push_back(groupImpact(run.components[c], metric, group));
  std::string line;
  for (const std::size_t at : largest(std::span<const double>(impacts), foremostShown)) {
    const std::string impact = significant(impacts[at], 3);
    line += padded(shortenedInTheMiddle(printable(run.components[kind.order[at]].name), 18), 19) + padded(impact, 9);
  }
  return withoutBlanks(std::move(line));
}

}  // namespace

std::string componentTables(const Run& run) {
  const Paths paths = pathsOf(run);
  std::string text;
  bool has_all = false, sums = false;
  for (const RankedKind& kind : rankedKinds(run)) {
    has_all |= kind.path == "all";
    if (has_all && !kind.path.empty() && kind.path != "all") continue;  // columns of the units' table
    text += (text.empty() ? "" : "\n") + kindTable(run, kind, paths);
    sums |= columnsOf(run, kind, paths).sums;
  }
  if (sums)
    text += wrapped("Summed: what their weights' own impacts, each measured alone, add up to.", verdictWidth) + "\n";
  return text;
}

std::string groupTables(const Run& run) {
  if (run.groups.empty()) return "";
  const std::string by(name(run.settings.by));
  std::string text;
  for (const RankedKind& kind : rankedKinds(run)) {
    if (!kind.path.empty() && kind.path != "all") continue;
    text += (text.empty() ? "" : "\n") +
            wrapped("By " + by + ": the " + pluralOf(kind.level) + " that matter most to each, by " +
                        std::string(name(run.settings.metrics.front())) + " impact on its outputs alone",
                    verdictWidth) +
            "\n";
    for (std::size_t g = 0; g < std::min(run.groups.size(), groupsShown); ++g)
      text += withoutBlanks(padded(shortenedInTheMiddle(printable(run.groups[g].name), 11), 12) +
                            foremostLine(run, kind, g)) +
              "\n";
    if (run.groups.size() > groupsShown)
      text += "and " + grouped(run.groups.size() - groupsShown) + " further in groups.safetensors (heft export)\n";
  }
  return text;
}

}  // namespace heft
