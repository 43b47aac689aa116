#include "compare/cards.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <limits>

#include "analysis/curve_area.hpp"
#include "analysis/paired_test.hpp"
#include "heft/error.hpp"
#include "measure/component.hpp"

namespace heft {
namespace {

bool takesPart(const std::vector<float>& impact) {
  return std::any_of(impact.begin(), impact.end(), [](float one) { return !std::isnan(one); });
}

std::vector<std::pair<std::string, Score>> groupScores(const Run& run, const CriterionScores& scores, Level level) {
  std::vector<std::pair<std::string, Score>> found;
  for (const auto& group : groupsAt(run.structure, {level})) {
    std::vector<float> score, impact;
    for (const auto& set : group.sets) {
      const auto p = static_cast<std::size_t>(set.parameter);
      for (const auto index : set.index) {
        score.push_back(scores.scores[p][static_cast<std::size_t>(index)]);
        impact.push_back(run.impacts[p].impact[static_cast<std::size_t>(index)]);
      }
    }
    if (takesPart(impact)) found.emplace_back(group.name, scoreOf(score, impact));
  }
  return found;
}

const RemovalCurve* curveOf(std::span<const RemovalCurve> curves, const std::string& criterion, bool deletion) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const RemovalCurve& one) {
    return one.criterion == criterion && one.deletion == deletion;
  });
  return found == curves.end() ? nullptr : &*found;
}

/// The area under a curve of rms changes over some of the samples.
SampleStatistic areaOf(const RemovalCurve& curve, double baseline_rms) {
  return [&curve, baseline_rms](std::span<const std::size_t> samples) {
    std::vector<CurvePoint> points;
    for (const auto& point : curve.points) {
      double squares = 0;
      for (const auto sample : samples) squares += point.sample_change[sample] * point.sample_change[sample];
      points.push_back({point.share, std::sqrt(squares / static_cast<double>(samples.size())) / baseline_rms});
    }
    return curveArea(points).value_or(std::numeric_limits<double>::quiet_NaN());
  };
}

std::optional<CurveScore> curveScore(const RemovalCurve* curve, const RemovalCurve* impact, double baseline_rms) {
  if (curve == nullptr || curve->points.empty() || baseline_rms <= 0) return std::nullopt;
  const auto samples = curve->points[0].sample_change.size();
  const auto area = areaOf(*curve, baseline_rms);
  const auto interval = bootstrap(samples, area);
  if (!interval) return std::nullopt;
  CurveScore score{*interval, {}};
  if (samples < 2) {
    score.area.lower = score.area.upper = score.area.standard_error = std::numeric_limits<double>::quiet_NaN();
  } else if (impact != nullptr && impact != curve) {
    if (const auto test = pairedBootstrap(samples, area, areaOf(*impact, baseline_rms))) score.against_impact = test->p;
  }
  return score;
}

}  // namespace

CriterionScores impactScores(const Run& run) {
  CriterionScores scores{"impact", "measured impact", {}, run.cost.seconds};
  for (const auto& one : run.impacts) scores.scores.push_back(one.impact);
  return scores;
}

CriterionCard cardOf(const Run& run, const CriterionScores& scores) {
  CriterionCard card{scores.name, scores.label, scores.seconds, {}, {}, {}, {}, {}, {}, {}};
  const bool further_draw = scores.name.starts_with("random_");  // wanted for its curves and its overall marks alone
  std::vector<float> all_scores, all_impacts;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    const auto& impact = run.impacts[p].impact;
    if (scores.scores.at(p).size() != impact.size())
      throw Error(Fault::internal, "scores of " + scores.name + " are not as many as weights");
    if (!takesPart(impact)) continue;
    all_scores.insert(all_scores.end(), scores.scores[p].begin(), scores.scores[p].end());
    all_impacts.insert(all_impacts.end(), impact.begin(), impact.end());
    if (!further_draw)
      card.parameters.emplace_back(run.structure.parameters[p].name, scoreOf(scores.scores[p], impact));
  }
  card.overall = scoreOf(all_scores, all_impacts);
  if (further_draw) return card;
  card.gates = groupScores(run, scores, Level::gate);
  card.layers = groupScores(run, scores, Level::layer);
  return card;
}

std::vector<CriterionCard> cardsOf(const Run& run, std::span<const CriterionScores> scores,
                                   const std::function<void(double share)>& progress) {
  std::vector<CriterionCard> cards(scores.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> stopped = false;
  const auto work = [&](const auto& heard) {
    for (std::size_t i = next++; i < scores.size() && !stopped; i = next++) {
      heard(i);
      cards[i] = cardOf(run, scores[i]);
    }
  };
  // Not more at a time: each takes several times the memory of the scores.
  auto other = std::async(std::launch::async, work, [](std::size_t) {});
  try {
    work([&](std::size_t i) { progress(static_cast<double>(i) / static_cast<double>(scores.size())); });
  } catch (...) {
    stopped = true;
    throw;
  }
  other.get();
  return cards;
}

void addCurves(std::vector<CriterionCard>& cards, std::span<const RemovalCurve> curves, double baseline_rms) {
  for (auto& card : cards) {
    card.deletion = curveScore(curveOf(curves, card.name, true), curveOf(curves, "impact", true), baseline_rms);
    card.insertion = curveScore(curveOf(curves, card.name, false), curveOf(curves, "impact", false), baseline_rms);
  }
}

}  // namespace heft
