#include "compare/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/rank_statistics.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "model/weight_label.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/group_table.hpp"

namespace heft {
namespace {

constexpr std::size_t kWeightsListed = 20;

void describe(AgreedComponent& one) {
  const auto runs = static_cast<double>(one.impact.size());
  double sum = 0, squares = 0;
  for (const double impact : one.impact) sum += impact;
  one.mean = sum / runs;
  for (const double impact : one.impact) squares += (impact - one.mean) * (impact - one.mean);
  one.spread = std::sqrt(squares / (runs - 1));
}

/// Pearson's correlation of ranks that are means where values are equal.
std::optional<double> correlation(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2) return std::nullopt;
  const double middle = (static_cast<double>(a.size()) + 1) / 2;
  double both = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - middle) * (b[i] - middle);
    of_a += (a[i] - middle) * (a[i] - middle);
    of_b += (b[i] - middle) * (b[i] - middle);
  }
  if (of_a == 0 || of_b == 0) return std::nullopt;
  return both / std::sqrt(of_a * of_b);
}

/// Each pair's, from impacts [runs][common], none of them NaN. Ranks are taken once a run, not once a pair.
std::vector<std::vector<std::optional<double>>> pairs(const std::vector<std::vector<double>>& impacts) {
  std::vector<std::vector<double>> ranks;
  for (const auto& one : impacts) ranks.push_back(meanRanks(std::span<const double>(one)));
  std::vector<std::vector<std::optional<double>>> table(impacts.size(),
                                                        std::vector<std::optional<double>>(impacts.size()));
  for (std::size_t a = 0; a < ranks.size(); ++a) {
    for (std::size_t b = a; b < ranks.size(); ++b) table[a][b] = table[b][a] = correlation(ranks[a], ranks[b]);
  }
  return table;
}

/// Components by name, of one kind.
std::map<std::string, const ComponentImpact*> byName(const Run& run, Level level, const std::string& path) {
  std::map<std::string, const ComponentImpact*> found;
  for (const auto& one : run.components) {
    if (one.level == level && one.path == path && std::isfinite(impactOf(run, one))) found[one.name] = &one;
  }
  return found;
}

void addGroups(std::span<const Run> runs, const std::vector<const ComponentImpact*>& in, std::size_t groups,
               AgreedComponent& one) {
  for (std::size_t g = 0; g < groups; ++g) {
    AgreedComponent of_group;
    for (std::size_t r = 0; r < runs.size(); ++r)
      of_group.impact.push_back(groupImpact(*in[r], runs[r].settings.metrics.front(), g));
    describe(of_group);
    one.group_mean.push_back(of_group.mean);
    one.group_spread.push_back(of_group.spread);
  }
}

KindAgreement agreementOfKind(std::span<const Run> runs, const RankedKind& kind, std::size_t groups) {
  KindAgreement found;
  found.level = kind.level;
  found.path = kind.path;
  std::vector<std::map<std::string, const ComponentImpact*>> named;
  std::map<std::string, std::size_t> seen;
  for (const Run& run : runs) {
    named.push_back(byName(run, kind.level, kind.path));
    for (const auto& [name, unused] : named.back()) ++seen[name];
  }
  std::vector<std::vector<double>> impacts(runs.size());
  for (const auto place : kind.order) {
    const std::string& name = runs[0].components[place].name;
    if (seen[name] != runs.size()) continue;
    AgreedComponent one;
    one.name = name;
    std::vector<const ComponentImpact*> in;
    for (std::size_t r = 0; r < runs.size(); ++r) {
      in.push_back(named[r].at(name));
      one.impact.push_back(impactOf(runs[r], *in.back()));
      impacts[r].push_back(one.impact.back());
    }
    describe(one);
    addGroups(runs, in, groups, one);
    found.components.push_back(std::move(one));
  }
  found.common = found.components.size();
  found.missing = seen.size() - found.common;
  found.spearman = pairs(impacts);
  std::stable_sort(found.components.begin(), found.components.end(),
                   [](const AgreedComponent& a, const AgreedComponent& b) { return a.mean > b.mean; });
  return found;
}

bool sameParameters(std::span<const Run> runs) {
  const auto& first = runs[0].structure.parameters;
  return std::all_of(runs.begin(), runs.end(), [&](const Run& run) {
    const auto& other = run.structure.parameters;
    return std::equal(first.begin(), first.end(), other.begin(), other.end(),
                      [](const auto& a, const auto& b) { return a.name == b.name && a.shape == b.shape; });
  });
}

KindAgreement agreementOfWeights(std::span<const Run> runs) {
  KindAgreement found;
  found.level = Level::weight;
  std::vector<std::vector<double>> impacts(runs.size());
  std::vector<std::pair<std::size_t, std::int64_t>> places;
  std::vector<double> means;
  for (std::size_t p = 0; p < runs[0].impacts.size(); ++p) {
    for (std::size_t i = 0; i < runs[0].impacts[p].impact.size(); ++i) {
      const auto in = static_cast<std::size_t>(std::count_if(
          runs.begin(), runs.end(), [&](const Run& run) { return !std::isnan(run.impacts[p].impact[i]); }));
      found.missing += in > 0 && in < runs.size();
      if (in < runs.size()) continue;
      double sum = 0;
      for (std::size_t r = 0; r < runs.size(); ++r) {
        impacts[r].push_back(static_cast<double>(runs[r].impacts[p].impact[i]));
        sum += impacts[r].back();
      }
      places.emplace_back(p, static_cast<std::int64_t>(i));
      means.push_back(sum / static_cast<double>(runs.size()));
    }
  }
  found.common = places.size();
  for (const auto at : largest(std::span<const double>(means), kWeightsListed)) {
    AgreedComponent one;
    one.name = weightLabel(runs[0].structure.parameters[places[at].first], places[at].second);
    for (const auto& of_run : impacts) one.impact.push_back(of_run[at]);
    describe(one);
    found.components.push_back(std::move(one));
  }
  found.spearman = pairs(impacts);
  return found;
}

/// The groups' names, where all runs are split alike.
std::vector<std::string> commonGroups(std::span<const Run> runs) {
  std::vector<std::string> names;
  for (const auto& group : runs[0].groups) names.push_back(group.name);
  for (const Run& run : runs) {
    const bool same = run.settings.by == runs[0].settings.by && run.groups.size() == names.size() &&
                      std::equal(names.begin(), names.end(), run.groups.begin(),
                                 [](const std::string& a, const OutputGroup& b) { return a == b.name; });
    if (!same) return {};
  }
  return names;
}

}  // namespace

RunsAgreement agreementOf(std::span<const Run> runs, std::vector<std::string> names) {
  RunsAgreement agreement;
  agreement.runs = std::move(names);
  agreement.groups = commonGroups(runs);
  if (sameParameters(runs) && std::all_of(runs.begin(), runs.end(), measuresWeights)) {
    auto weights = agreementOfWeights(runs);
    if (weights.common > 0) agreement.kinds.push_back(std::move(weights));
  }
  for (const auto& kind : rankedKinds(runs[0])) {
    auto of_kind = agreementOfKind(runs, kind, agreement.groups.size());
    if (of_kind.common > 0) agreement.kinds.push_back(std::move(of_kind));
  }
  if (agreement.kinds.empty())
    throw Error(Fault::output,
                "the runs have no weights and no components in common; runs of one architecture, with "
                "the same " +
                    settingName("components") + ", were expected");
  return agreement;
}

PairsOf pairsOf(const KindAgreement& kind) {
  PairsOf found;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t a = 0; a < kind.spearman.size(); ++a) {
    for (std::size_t b = a + 1; b < kind.spearman.size(); ++b) {
      const auto& value = kind.spearman[a][b];
      if (!value) continue;
      sum += *value;
      ++count;
      if (!found.least || *value < *found.least) {
        found.least = value;
        found.least_a = a;
        found.least_b = b;
      }
      if (!found.most || *value > *found.most) {
        found.most = value;
        found.most_a = a;
        found.most_b = b;
      }
    }
  }
  if (count > 0) found.mean = sum / static_cast<double>(count);
  return found;
}

}  // namespace heft
