#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// How well magnitude serves as a guide, by rules from the numbers alone. Two questions are graded apart:
/// does it find the weights that matter most (share = how many of the top k by impact are among the k
/// largest), and does it sort them all (Spearman)? Each grade: good from 0.8, fair from 0.5, poor below.
///
/// With Spearman at or below -0.2 and a poor share, magnitude is "misleading"; with Spearman below 0.2 and a
/// share of no more than twice what chance gives, "no guide". Where the top is more than half of the weights,
/// its share says nothing, and Spearman alone is graded; fewer than 10 weights are not judged.
enum class Guide { unknown, misleading, none, poor, fair, good, sorts_but_misses_the_top, finds_the_top_only };

struct Judgement {
  Guide guide = Guide::unknown;
  std::size_t top = 0;             ///< places looked at
  std::size_t among_largest = 0;   ///< of them, also among the `top` largest by magnitude
  bool top_counts = false;         ///< whether the top is small enough to say something
  std::optional<double> spearman;  ///< over all weights of the run
};

[[nodiscard]] Judgement judgeMagnitude(const Findings& findings);

/// One sentence for a newcomer: "Magnitude is a poor guide here: of the 20 weights that matter most, 3 are
/// among the 20 largest; Spearman 0.41 over 204,042 weights."
[[nodiscard]] std::string judgementSentence(const Findings& findings);

/// How sure the ranking is: whether the top is settled, how wide the estimates' intervals are, how much
/// impacts vary over inputs, what is missing. Sentences, joined by blanks.
[[nodiscard]] std::string certaintySentences(const Run& run, const Findings& findings);

}  // namespace heft
