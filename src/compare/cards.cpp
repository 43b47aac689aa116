#include "compare/cards.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <future>
#include <limits>

#include "analysis/curve_area.hpp"
#include "analysis/grouped_scores.hpp"
#include "analysis/paired_test.hpp"
#include "heft/error.hpp"
#include "measure/weights/component.hpp"

namespace heft {
namespace {

/// The run's parameters, gates and layers as groups of all its weights.
class RunGroups {
 public:
  explicit RunGroups(const Run& run) : run_(run), weights_(0) {
    for (const auto& one : run.impacts) {
      first_.push_back(weights_);
      weights_ += one.impact.size();
    }
    for (std::size_t level = 0; level < kLevels.size(); ++level) add(level);
  }

  [[nodiscard]] std::span<const Grouping> groupings() const { return groupings_; }

  void fill(CriterionCard& card, const GroupedScores::Marks& marks) const {
    const std::array to{&card.parameters, &card.gates, &card.layers};
    for (std::size_t level = 0; level < kLevels.size(); ++level) {
      for (const auto& one : named_[level]) to[level]->emplace_back(one.name, marks.groups[one.grouping][one.group]);
    }
  }

 private:
  static constexpr std::array kLevels{Level::matrix, Level::gate, Level::layer};
  struct Named {
    std::string name;
    std::size_t grouping, group;
  };

  void add(std::size_t level) {
    const std::size_t first = groupings_.size();
    for (const auto& component : groupsAt(run_.structure, {kLevels[level]})) {
      const auto places = placesOf(component);
      const auto& impacts = run_.impacts;
      const bool takes_part = std::any_of(component.sets.begin(), component.sets.end(), [&](const WeightSet& set) {
        const auto& impact = impacts[static_cast<std::size_t>(set.parameter)].impact;
        return std::any_of(set.index.begin(), set.index.end(),
                           [&](std::int64_t i) { return !std::isnan(impact[static_cast<std::size_t>(i)]); });
      });
      if (!takes_part) continue;
      // Tied parameters may make groups of a level overlap: these go into a further grouping.
      std::size_t into = first;
      while (into < groupings_.size() && !isFree(groupings_[into], places)) ++into;
      if (into == groupings_.size()) groupings_.push_back({std::vector<std::uint16_t>(weights_, Grouping::none), 0});
      auto& grouping = groupings_[into];
      for (const auto place : places) grouping.of[place] = static_cast<std::uint16_t>(grouping.groups);
      named_[level].push_back({component.name, into, grouping.groups++});
    }
  }

  [[nodiscard]] std::vector<std::uint32_t> placesOf(const Component& component) const {
    std::vector<std::uint32_t> places;
    for (const auto& set : component.sets) {
      const std::size_t first = first_[static_cast<std::size_t>(set.parameter)];
      for (const auto index : set.index)
        places.push_back(static_cast<std::uint32_t>(first + static_cast<std::size_t>(index)));
    }
    return places;
  }

  static bool isFree(const Grouping& grouping, std::span<const std::uint32_t> places) {
    return grouping.groups < Grouping::none && std::all_of(places.begin(), places.end(), [&](std::uint32_t place) {
             return grouping.of[place] == Grouping::none;
           });
  }

  const Run& run_;
  std::size_t weights_;
  std::vector<std::size_t> first_;  ///< weights before each parameter's
  std::vector<Grouping> groupings_;
  std::array<std::vector<Named>, kLevels.size()> named_;
};

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

std::vector<float> joined(const Run& run, const CriterionScores& scores) {
  std::vector<float> all;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    if (scores.scores.at(p).size() != run.impacts[p].impact.size())
      throw Error(Fault::internal, "scores of " + scores.name + " are not as many as weights");
    all.insert(all.end(), scores.scores[p].begin(), scores.scores[p].end());
  }
  return all;
}

CriterionCard cardOf(const Run& run, const RunGroups& groups, const GroupedScores& impacts,
                     const CriterionScores& scores) {
  CriterionCard card{scores.name, scores.label, scores.seconds, {}, {}, {}, {}, {}, {}, {}};
  const bool further_draw = scores.name.starts_with("random_");  // wanted for its curves and its overall marks alone
  const auto marks = scores.name == kImpact ? impacts.ofImpact() : impacts.of(joined(run, scores), !further_draw);
  card.overall = marks.overall;
  if (!further_draw) groups.fill(card, marks);
  return card;
}

}  // namespace

CriterionScores impactScores(const Run& run) {
  CriterionScores scores{kImpact, "measured impact", {}, run.cost.seconds};
  for (const auto& one : run.impacts) scores.scores.push_back(one.impact);
  return scores;
}

std::vector<CriterionCard> cardsOf(const Run& run, std::span<const CriterionScores> scores,
                                   const std::function<void(double share)>& progress) {
  const RunGroups groups(run);
  const GroupedScores impacts(joined(run, impactScores(run)), groups.groupings());
  std::vector<CriterionCard> cards(scores.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> stopped = false;
  const auto work = [&](const auto& heard) {
    for (std::size_t i = next++; i < scores.size() && !stopped; i = next++) {
      heard(i);
      cards[i] = cardOf(run, groups, impacts, scores[i]);
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
    card.deletion = curveScore(curveOf(curves, card.name, true), curveOf(curves, kImpact, true), baseline_rms);
    card.insertion = curveScore(curveOf(curves, card.name, false), curveOf(curves, kImpact, false), baseline_rms);
  }
}

}  // namespace heft
