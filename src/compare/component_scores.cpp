#include "compare/component_scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "analysis/rank_statistics.hpp"
#include "data/words.hpp"
#include "measure/weights/component.hpp"
#include "run/findings/component_findings.hpp"
#include "run/stored/json_text.hpp"

namespace heft {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string fixed2(const std::optional<double>& value) {
  if (!value) return "–";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", *value);
  return text;
}

}  // namespace

std::vector<double> summedScores(const Run& run, const CriterionScores& scores) {
  std::vector<double> sums;
  for (const auto& component : run.components) {
    double sum = 0;
    bool any = false;
    for (const auto& set : parseComponent(run.structure, component.name).sets) {
      for (const auto index : set.index) {
        const float score = scores.scores[static_cast<std::size_t>(set.parameter)][static_cast<std::size_t>(index)];
        if (std::isnan(score)) continue;
        sum += static_cast<double>(score);
        any = true;
      }
    }
    sums.push_back(any ? sum : kNone);
  }
  return sums;
}

std::vector<double> componentShift(const Run& here, const Run& there) {
  std::vector<double> shift;
  for (const auto& one : here.components) {
    const auto found = std::find_if(there.components.begin(), there.components.end(), [&](const auto& other) {
      return other.name == one.name && other.level == one.level;
    });
    shift.push_back(found == there.components.end() ? kNone : impactOf(there, *found) - impactOf(here, one));
  }
  return shift;
}

std::vector<ComponentCard> componentCards(const Run& run, std::span<const CriterionScores> scores) {
  const auto kinds = rankedKinds(run);
  std::vector<ComponentCard> cards;
  for (const auto& one : scores) {
    const bool norm = one.name == name(Criterion::magnitude);
    ComponentCard card{one.name, norm ? "the norm of their weights" : one.label, {}};
    const auto sums = norm ? std::vector<double>() : summedScores(run, one);
    for (const auto& kind : kinds) {
      std::vector<double> score, impact;
      for (const auto c : kind.order) {
        score.push_back(norm ? run.components[c].magnitude : sums[c]);
        impact.push_back(impactOf(run, run.components[c]));
      }
      card.spearman.push_back(spearman(std::span<const double>(score), std::span<const double>(impact)));
    }
    cards.push_back(std::move(card));
  }
  return cards;
}

std::string componentCardsText(const Run& run, std::span<const ComponentCard> cards) {
  const auto kinds = rankedKinds(run);
  std::vector<const ComponentCard*> order;
  for (const auto& card : cards) order.push_back(&card);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->spearman.front().value_or(-2) > b->spearman.front().value_or(-2);
  });
  const auto shown = [](const RankedKind& kind) { return kind.path.empty() || kind.path == "all"; };
  std::string text = padded("Spearman with joint impact", 38);
  for (const auto& kind : kinds) {
    if (shown(kind)) text += rightAligned(grouped(kind.order.size()) + " " + wordsOf(kind), 15);
  }
  text += "\n";
  for (const auto* card : order) {
    text += padded(shortenedInTheMiddle(card->label, 37), 38);
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (shown(kinds[k])) text += rightAligned(fixed2(card->spearman[k]), 15);
    }
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json componentCriteriaSection(const Run& run, std::span<const ComponentCard> cards) {
  const auto kinds = rankedKinds(run);
  auto section = nlohmann::ordered_json::object();
  for (const auto& card : cards) {
    auto list = nlohmann::ordered_json::array();
    for (std::size_t k = 0; k < kinds.size(); ++k)
      list.push_back(
          {{"level", name(kinds[k].level)},
           {"path", kinds[k].path.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(kinds[k].path)},
           {"components", kinds[k].order.size()},
           {"spearman", finiteOrNull(card.spearman[k])}});
    section[card.name] = {{"label", card.label}, {"kinds", std::move(list)}};
  }
  return section;
}

}  // namespace heft
