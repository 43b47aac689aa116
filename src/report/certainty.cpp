#include "report/certainty.hpp"

#include "data/words.hpp"
#include "report/answer.hpp"

namespace heft {

std::string sureSentence(const ImpactSums& sums, Aggregate how) {
  if (sums.weights == 0) return "No weight was ranked.";
  if (sums.executed == sums.weights) return "Every weight was executed: no impact here is an estimate.";
  if (sums.executed == 0) return "Every impact here is an estimate that no execution has checked.";
  std::string text = grouped(sums.executed) + " of " + counted(sums.weights, "weight") + " were executed";
  if (how == Aggregate::root_of_squares && sums.squares > 0)
    text += " and carry " + percentText(sums.executed_squares / sums.squares) + " of the squared impact";
  return text + "; the others are estimates by unit response.";
}

}  // namespace heft
