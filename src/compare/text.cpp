#include "compare/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "data/words.hpp"
#include "model/weight_label.hpp"
#include "run/text/verdict.hpp"

namespace heft {
namespace {

std::string fixed(const std::optional<double>& value, int digits) {
  if (!value || !std::isfinite(*value)) return "–";
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, *value);
  if (std::strspn(text, "-0.") == std::strlen(text)) return text + (*text == '-' ? 1 : 0);  // no minus before a zero
  return text;
}

std::string percent(const std::optional<double>& share) {
  return share && std::isfinite(*share) ? significant(100 * *share, 3) + " %" : "–";
}

/// The point of a curve at a share; null where there is none.
const RemovalPoint* pointAt(std::span<const RemovalCurve> curves, const std::string& criterion, bool deletion,
                            double share) {
  for (const auto& curve : curves) {
    if (curve.criterion != criterion || curve.deletion != deletion) continue;
    for (const auto& point : curve.points) {
      if (std::abs(point.share - share) < 1e-9) return &point;
    }
  }
  return nullptr;
}

std::string removalTable(std::span<const CriterionCard> cards, std::span<const RemovalCurve> curves,
                         const RemovalBaseline& baseline) {
  if (curves.empty()) return {};
  const bool correct = baseline.accuracy.has_value();
  const bool loss = !correct && baseline.loss.has_value();
  std::string text = "\n" + padded(correct ? "accuracy, by what is removed"
                                   : loss  ? "loss, by what is removed"
                                           : "change of the output, of its rms",
                                   36);
  for (const char* head : {"50 %", "80 %", "90 %"}) text += rightAligned(head, 12);
  if (correct) text += "     whole model " + percent(baseline.accuracy);
  if (loss) text += "     whole model " + significant(*baseline.loss, 3);
  text += "\n";
  for (const auto& card : cards) {
    std::string row = padded(shortenedInTheMiddle("the least by " + card.label, 35), 36);
    bool any = false;
    for (const double kept : {0.5, 0.2, 0.1}) {
      const auto* point = pointAt(curves, card.name, false, kept);
      any |= point != nullptr;
      row += rightAligned(point == nullptr ? "–"
                          : correct        ? percent(point->accuracy)
                          : loss           ? significant(*point->loss, 3)
                                           : percent(point->change / baseline.rms),
                          12);
    }
    if (any) text += row + "\n";
  }
  return text;
}

std::string listText(const std::string& head, const std::vector<ShiftedWeight>& list, const Structure& structure) {
  if (list.empty()) return {};
  constexpr std::size_t kShown = 10;
  std::string text =
      "\n" + padded(head, 40) + rightAligned("value", 12) + rightAligned("here", 12) + rightAligned("there", 12) + "\n";
  for (std::size_t i = 0; i < std::min(list.size(), kShown); ++i) {
    const auto& one = list[i];
    text += padded(shortenedInTheMiddle(weightLabel(structure.parameters[one.parameter], one.index), 39), 40) +
            rightAligned(significant(static_cast<double>(one.value)), 12) +
            rightAligned(significant(static_cast<double>(one.impact)), 12) +
            rightAligned(significant(static_cast<double>(one.impact_there)), 12) + "\n";
  }
  return text;
}

}  // namespace

std::string comparisonText(std::span<const CriterionCard> cards, std::span<const RemovalCurve> curves,
                           const RemovalBaseline& baseline) {
  std::vector<const CriterionCard*> order;
  for (const auto& card : cards) order.push_back(&card);
  const auto mark = [](const CriterionCard* card) {
    return card->name == kImpact ? 2 : card->overall.spearman.value_or(-2);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return mark(a) > mark(b); });
  const bool areas =
      std::any_of(cards.begin(), cards.end(), [](const auto& card) { return card.deletion.has_value(); });

  const bool errors =
      std::any_of(cards.begin(), cards.end(), [](const auto& card) { return card.spearman_error.has_value(); });
  std::string text = padded("criterion against impact", 28) + rightAligned("Spearman", 9);
  if (errors) text += rightAligned("± inputs", 9);
  text += rightAligned("Kendall", 9) + rightAligned("top 1 %", 9);
  if (areas) text += rightAligned("deletion", 10) + rightAligned("insertion", 10);
  text += rightAligned("time", 11) + "\n";
  for (const auto* card : order) {
    text += padded(shortenedInTheMiddle(card->label, 27), 28) + rightAligned(fixed(card->overall.spearman, 3), 9);
    if (errors) text += rightAligned(fixed(card->spearman_error, 3), 9);
    text += rightAligned(fixed(card->overall.kendall, 3), 9) + rightAligned(percent(card->overall.overlap[1]), 9);
    if (areas) {
      const auto area = [](const std::optional<CurveScore>& one) {
        return one ? std::optional(one->area.value) : std::nullopt;
      };
      text += rightAligned(fixed(area(card->deletion), 3), 10) + rightAligned(fixed(area(card->insertion), 3), 10);
    }
    text += rightAligned(significant(card->seconds, 2) + " s", 11) + "\n";
  }
  std::vector<CriterionCard> sorted;
  for (const auto* card : order) sorted.push_back(*card);
  text += removalTable(sorted, curves, baseline);

  const CriterionCard* closest = nullptr;
  const CriterionCard* magnitude = nullptr;
  for (const auto* card : order) {
    if (closest == nullptr && card->name != kImpact && card->overall.spearman) closest = card;
    if (card->name == "magnitude") magnitude = card;
  }
  std::string words;
  if (closest != nullptr) {
    words = "The cheap score that comes closest to measured impact is " + closest->label + " (Spearman " +
            fixed(closest->overall.spearman, 3) + ", " + percent(closest->overall.overlap[1]) + " of the top 1 %).";
    if (magnitude != nullptr && magnitude != closest)
      words += " Magnitude: " + fixed(magnitude->overall.spearman, 3) + " and " +
               percent(magnitude->overall.overlap[1]) + ".";
  }
  if (areas)
    words +=
        (errors ? std::string(" ± inputs: standard error over other inputs like these.") : std::string()) +
        " Deletion: how far the output moves, of its rms, when the most important go first (higher: it found them); "
        "insertion: when only they are kept (lower is better). Both are means over the shares removed.";
  return words.empty() ? text : text + "\n" + wrapped(words, verdictWidth) + "\n";
}

std::string shiftText(const Shift& shift, const Structure& structure, const std::string& here,
                      const std::string& there) {
  std::string text = wrapped("Here " + here + ", there " + there + ": " + counted(shift.weights, "weight") +
                                 " in both, Spearman " + fixed(shift.spearman, 3) + ", Kendall " +
                                 fixed(shift.kendall, 3) + ", " + percent(shift.overlap) + " of the top 1 % in common.",
                             verdictWidth) +
                     "\n";
  text += listText("matters there, hardly here", shift.only_there, structure);
  text += listText("matters here, hardly there", shift.only_here, structure);
  text += listText("rose most", shift.rose, structure);
  text += listText("fell most", shift.fell, structure);
  return text;
}

}  // namespace heft
