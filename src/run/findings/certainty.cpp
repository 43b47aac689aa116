#include <algorithm>
#include <cmath>
#include <vector>

#include "data/words.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/interval_widths.hpp"
#include "run/findings/judgement.hpp"

namespace heft {
namespace {

std::string percent(double share, int digits = 2) { return significant(100 * share, digits) + " %"; }

void add(std::string& text, const std::string& sentence) {
  if (!text.empty()) text += ' ';
  text += sentence;
}

std::string settledSentence(const Run& run, const Findings& findings) {
  if (findings.executed == findings.weights && overallIntervalWidths(run).unknown == 0) {
    const bool chosen = run.settings.method == Method::automatic && run.cost.adjoints == 0;
    return std::string("Every weight was executed") +
           (chosen ? ", which takes less than estimates, or little: no impact is an estimate."
                   : ": no impact is an estimate.");
  }
  if (!run.settled) {
    if (findings.executed == 0)
      return "All impacts are estimates that no execution has checked; 'heft rank --method auto' checks "
             "them.";
    return "Whether the top is complete was not checked; 'heft rank --method auto' checks it.";
  }
  const SettledFacts& facts = *run.settled;
  const std::string top = "The top " + std::to_string(facts.k);
  const std::string missing = std::isfinite(facts.missing)
                                  ? "at " + percent(facts.confidence, 4) + " confidence at most " +
                                        // A count of members is a whole number, so that a bound of 0.3 means none.
                                        significant(std::floor(std::max(facts.missing, 0.0)), 15) + " of them " +
                                        (facts.settled ? "are" : "may be") + " missing"
                                  : "how many of them are missing is unknown";
  if (facts.settled) return top + " is settled: " + missing + ".";
  return top + " is not settled" + (facts.why.empty() ? "" : " (" + facts.why + ")") + ": " + missing + ".";
}

/// "±65 %"; what has no upper bound is not known.
std::string spanText(double middle) {
  if (!std::isfinite(middle)) return "without an upper bound";
  if (middle < 0.995) return "±" + percent(middle);
  return "±" + (middle < 1e6 ? grouped(static_cast<std::size_t>(std::llround(100 * middle))) + " %" : percent(middle));
}

/// The parameters whose intervals are widest, where they tell more than the figure for all.
std::string widestText(const Run& run, double overall) {
  constexpr std::size_t kNamed = 3, kNameWidth = 40;
  std::string text;
  std::size_t named = 0, estimated = 0;
  const auto widths = intervalWidthsOf(run);
  for (const auto& one : widths) estimated += one.estimates > 0 ? 1 : 0;
  for (const auto& one : widths) {
    if (estimated < 2 || named == kNamed || !(one.middle > overall) || one.estimates == 0) continue;
    text += (named++ == 0 ? ", widest " : ", ") +
            shortenedInTheMiddle(run.structure.parameters[one.parameter].name, kNameWidth) + " " + spanText(one.middle);
  }
  return text;
}

std::string intervalSentence(const Run& run) {
  const auto all = overallIntervalWidths(run);
  if (all.estimates == 0 || all.middle <= 0) return "";
  std::string text = "The other " + counted(all.estimates, "weight") +
                     (all.estimates == 1 ? " is an estimate" : " are estimates") + "; their " +
                     percent(1 - run.settings.alpha, 4) + " intervals span about " + spanText(all.middle) +
                     widestText(run, all.middle);
  if (all.open > 0)
    text += ", and " + grouped(all.open) + (all.open == 1 ? " of them has" : " of them have") + " no upper bound";
  return text + ".";
}

std::string unknownSentence(const Run& run) {
  const auto unknown = overallIntervalWidths(run).unknown;
  if (unknown == 0 || !run.complete) return "";
  return "Nothing is known of " + counted(unknown, "weight") + ": " + (unknown == 1 ? "it has" : "they have") +
         " no estimate and " + (unknown == 1 ? "was" : "were") + " not executed.";
}

std::string samplesSentence(const Run& run, const Findings& findings) {
  if (run.output.samples < 2) return "One sample of inputs: how impacts vary over inputs is unknown.";
  std::vector<double> relative;
  for (const TopWeight& row : findings.top) {
    if (row.impact > 0 && std::isfinite(row.standard_error)) relative.push_back(row.standard_error / row.impact);
  }
  if (relative.empty()) return "";
  const auto middle = relative.begin() + static_cast<std::ptrdiff_t>(relative.size() / 2);
  std::nth_element(relative.begin(), middle, relative.end());
  return "Over other inputs like these " + grouped(static_cast<std::size_t>(run.output.samples)) +
         " samples, the top impacts would vary by about ±" + percent(*middle) + " (standard error).";
}

std::string noiseSentence(const Run& run, const Findings& findings) {
  if (!(run.output.noise > 0) || run.settings.metrics.front() != Metric::rms) return "";
  const auto lost = static_cast<std::size_t>(std::count_if(
      findings.top.begin(), findings.top.end(), [&](const TopWeight& row) { return row.impact <= run.output.noise; }));
  if (lost == 0) return "";
  return "Of the places shown, " + grouped(lost) + (lost == 1 ? " lies" : " lie") + " below the float noise of " +
         significant(run.output.noise, 2) + ": the order there means nothing.";
}

}  // namespace

std::string certaintySentences(const Run& run, const Findings& findings) {
  std::string text;
  if (!run.complete) add(text, "This run was stopped before its end; 'heft rank --resume' finishes it.");
  if (findings.weights == 0) {
    if (!run.components.empty()) add(text, componentCertainty(run));
    return text;
  }
  if (findings.moving > 0) {
    for (const std::string& each : {settledSentence(run, findings), intervalSentence(run), unknownSentence(run),
                                    samplesSentence(run, findings), noiseSentence(run, findings)}) {
      if (!each.empty()) add(text, each);
    }
  }
  return text;
}

}  // namespace heft
