#include "run/findings/judgement.hpp"

#include <algorithm>
#include <cstdio>

#include "data/words.hpp"

namespace heft {
namespace {

constexpr double goodFrom = 0.8;
constexpr double fairFrom = 0.5;
constexpr double noneBelow = 0.2;
constexpr std::size_t fewestWeights = 10;

enum class Grade { poor, fair, good };

Grade gradeOf(double value) {
  if (value >= goodFrom) return Grade::good;
  return value >= fairFrom ? Grade::fair : Grade::poor;
}

Guide combine(double share, double chance, double spearman) {
  const Grade top = gradeOf(share), all = gradeOf(spearman);
  if (top == Grade::poor && spearman <= -noneBelow) return Guide::misleading;
  if (top == Grade::poor && spearman < noneBelow && share <= 2 * chance) return Guide::none;
  if (top == Grade::poor && all == Grade::good) return Guide::sorts_but_misses_the_top;
  if (top == Grade::good && all == Grade::poor) return Guide::finds_the_top_only;
  const Grade worse = std::min(top, all);
  if (worse == Grade::good) return Guide::good;
  return worse == Grade::fair ? Guide::fair : Guide::poor;
}

std::string opening(Guide guide) {
  switch (guide) {
    case Guide::unknown:
      return "How well magnitude guides can't be told here";
    case Guide::misleading:
      return "Magnitude misleads here";
    case Guide::none:
      return "Magnitude is no guide here";
    case Guide::poor:
      return "Magnitude is a poor guide here";
    case Guide::fair:
      return "Magnitude is a fair guide here";
    case Guide::good:
      return "Magnitude is a good guide here";
    case Guide::sorts_but_misses_the_top:
      return "Magnitude sorts most weights well here, but misses those that matter most";
    case Guide::finds_the_top_only:
      return "Magnitude finds the weights that matter most here, but sorts the others badly";
  }
  return "";
}

}  // namespace

Judgement judgeMagnitude(const Findings& findings) {
  Judgement judgement;
  judgement.spearman = findings.comparison.overall.spearman;
  // Weights that move nothing are in no top, however far down the ranking goes.
  judgement.top = std::min(findings.top.size(), findings.moving);
  for (std::size_t i = 0; i < judgement.top; ++i) {
    const std::size_t rank = findings.top[i].magnitude_rank;
    judgement.among_largest += rank > 0 && rank <= judgement.top;
  }
  judgement.top_counts = judgement.top > 0 && 2 * judgement.top <= findings.weights;
  if (findings.weights < fewestWeights || findings.moving == 0 || !judgement.spearman) return judgement;
  const double spearman = *judgement.spearman;
  if (judgement.top_counts) {
    const auto top = static_cast<double>(judgement.top);
    judgement.guide = combine(static_cast<double>(judgement.among_largest) / top,
                              top / static_cast<double>(findings.weights), spearman);
  } else {
    judgement.guide = combine(std::max(spearman, 0.0), 1, spearman);
  }
  return judgement;
}

std::string judgementSentence(const Findings& findings) {
  if (findings.weights == 0) return "No weight was ranked, so nothing can be said about magnitude.";
  if (findings.moving == 0) {
    return "Changing any one of these " + counted(findings.weights, "weight") +
           " did not move the output at all, so magnitude can't be judged.";
  }
  const Judgement judgement = judgeMagnitude(findings);
  std::string text = opening(judgement.guide);
  if (findings.weights < fewestWeights) return text + ": only " + counted(findings.weights, "weight") + " ranked.";
  if (!judgement.spearman) return text + ": all magnitudes or all impacts are equal.";
  text += ": ";
  if (judgement.top_counts && judgement.top == 1) {
    text += "the weight that matters most is ";
    text += judgement.among_largest == 1 ? "the largest" : "not the largest";
    text += "; ";
  } else if (judgement.top_counts) {
    const std::string top = grouped(judgement.top);
    text += "of the " + top + " weights that matter most, " + grouped(judgement.among_largest) +
            (judgement.among_largest == 1 ? " is" : " are") + " among the " + top + " largest; ";
  }
  char value[32];
  std::snprintf(value, sizeof(value), "%.2f", *judgement.spearman);
  return text + "Spearman " + value + " over " + counted(findings.weights, "weight") + ".";
}

}  // namespace heft
