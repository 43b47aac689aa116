#include "report/magnitude.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "analysis/disagreement.hpp"
#include "analysis/log_histogram.hpp"
#include "data/words.hpp"
#include "model/weight_label.hpp"
#include "run/findings/judgement.hpp"
#include "run/stored/json_text.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t listed = 12;          // of each list: what people read
constexpr std::size_t histogramBins = 56;   // an axis: finer than a screen of 360 px can show
constexpr std::size_t mostHistograms = 60;  // 60 of 56 x 56 cells take 1 MB at most

/// A weight of one of the two lists where magnitude and impact disagree.
struct ListedWeight {
  std::size_t parameter = 0;  ///< index into Structure::parameters
  std::int64_t index = 0;     ///< row-major
  float weight = 0, impact = 0;
  std::size_t magnitude_rank = 0, impact_rank = 0;  ///< 1: the largest of the run
  bool executed = false;
};

struct DisagreementLists {
  std::vector<ListedWeight> large_but_inert, small_but_critical;
};

/// All parameters end to end.
struct EndToEnd {
  std::vector<float> weight, impact;
  std::vector<std::size_t> begins{0};
};

EndToEnd endToEnd(const Run& run) {
  EndToEnd all;
  for (const ParameterImpacts& each : run.impacts) {
    all.weight.insert(all.weight.end(), each.weight.begin(), each.weight.end());
    all.impact.insert(all.impact.end(), each.impact.begin(), each.impact.end());
    all.begins.push_back(all.weight.size());
  }
  for (std::size_t i = 0; i < all.weight.size(); ++i) {
    if (std::isnan(all.impact[i])) all.weight[i] = all.impact[i];  // ranks are of the weights in the run
  }
  return all;
}

std::vector<ListedWeight> weightsAt(const Run& run, const EndToEnd& all, const std::vector<std::size_t>& places) {
  std::vector<float> weights, impacts;
  for (const std::size_t place : places) {
    weights.push_back(all.weight[place]);
    impacts.push_back(all.impact[place]);
  }
  const std::vector<std::size_t> by_magnitude = ranksAmong(weights, all.weight);
  const std::vector<std::size_t> by_impact = ranksAmong(impacts, all.impact);
  std::vector<ListedWeight> rows;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto next = std::upper_bound(all.begins.begin(), all.begins.end(), places[i]);
    ListedWeight row;
    row.parameter = static_cast<std::size_t>(next - all.begins.begin()) - 1;
    const std::size_t index = places[i] - all.begins[row.parameter];
    row.index = static_cast<std::int64_t>(index);
    row.weight = weights[i];
    row.impact = impacts[i];
    row.magnitude_rank = by_magnitude[i];
    row.impact_rank = by_impact[i];
    row.executed = run.impacts[row.parameter].measured[index] != 0;
    rows.push_back(row);
  }
  return rows;
}

/// At most `count` weights a list; see disagreementOf.
DisagreementLists listsOf(const Run& run, const EndToEnd& all, std::size_t count) {
  const Disagreement found = disagreementOf(all.weight, all.impact, count);
  return {weightsAt(run, all, found.large_but_inert), weightsAt(run, all, found.small_but_critical)};
}

ordered_json listJson(const Run& run, const std::vector<ListedWeight>& rows) {
  ordered_json list = ordered_json::array();
  for (const ListedWeight& row : rows) {
    list.push_back({{"weight", weightLabel(run.structure.parameters[row.parameter], row.index)},
                    {"value", finiteOrNull(row.weight)},
                    {"impact", finiteOrNull(row.impact)},
                    {"magnitude_rank", row.magnitude_rank},
                    {"impact_rank", row.impact_rank},
                    {"executed", row.executed}});
  }
  return list;
}

ordered_json axisJson(const LogAxis& axis) {
  return {{"from", rounded(axis.from)}, {"width", axis.width}, {"bins", axis.bins}};
}

/// Cells that hold something, as cell, count, cell, count, …
ordered_json cellsJson(const LogHistogram& histogram) {
  ordered_json cells = ordered_json::array();
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    if (histogram.counts[i] == 0) continue;
    cells.push_back(i);
    cells.push_back(histogram.counts[i]);
  }
  return cells;
}

ordered_json histogramJson(const std::string& parameter, std::span<const float> weight, std::span<const float> impact) {
  const LogHistogram histogram = logHistogram(weight, impact, histogramBins);
  return {{"parameter", parameter},          {"x", axisJson(histogram.x)},   {"y", axisJson(histogram.y)},
          {"cells", cellsJson(histogram)},   {"weights", histogram.counted}, {"zero_weights", histogram.zero_x},
          {"zero_impacts", histogram.zero_y}};
}

ordered_json agreementJson(const Agreement& each) {
  return {{"parameter", each.name},
          {"weights", each.weights},
          {"spearman", finiteOrNull(each.spearman)},
          {"kendall", finiteOrNull(each.kendall)},
          {"overlap", finiteOrNull(each.overlap)},
          {"chance", finiteOrNull(each.chance)}};
}

/// The parameters with most weights, in the model's order.
std::vector<std::size_t> largestParameters(const Run& run) {
  std::vector<std::size_t> places(run.impacts.size());
  std::iota(places.begin(), places.end(), 0U);
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    return run.impacts[a].weight.size() > run.impacts[b].weight.size();
  });
  places.resize(std::min(places.size(), mostHistograms));
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

Answer magnitudeAnswer(const Run& run, const Findings& findings) {
  const Agreement& overall = findings.comparison.overall;
  Answer answer;
  answer.number = "–";
  if (overall.spearman) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f", *overall.spearman);
    answer.number = text;
  }
  answer.what = "Spearman rank correlation of |weight| and impact (1: the same order, 0: none)";
  answer.sentence = judgementSentence(findings);
  answer.sure = findings.executed == findings.weights
                    ? "Every weight was executed: the correlation is exact for these inputs."
                    : "The correlation takes estimates as they stand: " + grouped(findings.executed) + " of " +
                          counted(findings.weights, "weight") + " were executed.";
  if (run.output.samples < 2) answer.sure += " One sample of inputs was used.";
  return answer;
}

ordered_json magnitudeJson(const Run& run, const Findings& findings) {
  ordered_json section = answerJson(magnitudeAnswer(run, findings));
  const EndToEnd all = endToEnd(run);
  section["histograms"] = ordered_json::array();
  section["histograms"].push_back(histogramJson("", all.weight, all.impact));
  for (const std::size_t p : largestParameters(run)) {
    const std::size_t count = all.begins[p + 1] - all.begins[p];
    ordered_json each =
        histogramJson(run.structure.parameters[p].name, std::span(all.weight).subspan(all.begins[p], count),
                      std::span(all.impact).subspan(all.begins[p], count));
    const bool empty = each["weights"] == 0 && each["zero_weights"] == 0 && each["zero_impacts"] == 0;
    if (!empty) section["histograms"].push_back(std::move(each));
  }
  section["agreements"] = ordered_json::array();
  section["agreements"].push_back(agreementJson(findings.comparison.overall));
  for (const Agreement& each : findings.comparison.parameters) section["agreements"].push_back(agreementJson(each));
  const DisagreementLists lists = listsOf(run, all, listed);
  section["large_but_inert"] = listJson(run, lists.large_but_inert);
  section["small_but_critical"] = listJson(run, lists.small_but_critical);
  return section;
}

}  // namespace heft
