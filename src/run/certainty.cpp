#include <algorithm>
#include <cmath>
#include <vector>

#include "run/judgement.hpp"
#include "run/words.hpp"

namespace heft {
namespace {

std::string percent(double share, int digits = 2) { return significant(100 * share, digits) + " %"; }

void add(std::string& text, const std::string& sentence) {
  if (!text.empty()) text += ' ';
  text += sentence;
}

std::string settledSentence(const Run& run, const Findings& findings) {
  if (findings.executed == findings.weights) return "Every weight was executed: no impact is an estimate.";
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

/// Half widths of the estimates' intervals, relative to the estimate.
struct Widths {
  std::vector<float> relative;
  std::size_t estimates = 0;
  std::size_t open = 0;  ///< without an upper bound, or without an interval
};

Widths widthsOf(const Run& run) {
  Widths widths;
  for (const ParameterImpacts& each : run.impacts) {
    for (std::size_t i = 0; i < each.impact.size(); ++i) {
      if (std::isnan(each.impact[i]) || each.measured[i] != 0) continue;
      ++widths.estimates;
      if (!std::isfinite(each.upper[i]) || std::isnan(each.lower[i])) {
        ++widths.open;
      } else if (each.impact[i] > 0) {
        widths.relative.push_back((each.upper[i] - each.lower[i]) / (2 * each.impact[i]));
      }
    }
  }
  return widths;
}

std::string intervalSentence(const Run& run, const Findings& findings) {
  if (findings.executed == findings.weights) return "";
  Widths widths = widthsOf(run);
  if (widths.relative.empty()) return "";
  const auto middle = widths.relative.begin() + static_cast<std::ptrdiff_t>(widths.relative.size() / 2);
  std::nth_element(widths.relative.begin(), middle, widths.relative.end());
  std::string text = "The other " + counted(widths.estimates, "weight") +
                     (widths.estimates == 1 ? " is an estimate" : " are estimates") + "; their " +
                     percent(1 - run.settings.alpha, 4) + " intervals span about ±" + percent(*middle);
  if (widths.open > 0)
    text += ", and " + grouped(widths.open) + (widths.open == 1 ? " of them has" : " of them have") + " no upper bound";
  return text + ".";
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
  if (findings.weights == 0) return text;
  if (findings.moving > 0) {
    for (const std::string& each : {settledSentence(run, findings), intervalSentence(run, findings),
                                    samplesSentence(run, findings), noiseSentence(run, findings)}) {
      if (!each.empty()) add(text, each);
    }
  }
  return text;
}

}  // namespace heft
