#include "run/text/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "data/words.hpp"
#include "model/weight_label.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/judgement.hpp"
#include "run/text/component_text.hpp"

namespace heft {
namespace {

constexpr std::size_t placesShown = 20;
constexpr std::size_t parametersShown = 24;
constexpr std::size_t nameWidth = 34;

std::string signedNumber(double value) { return (value < 0 ? "" : " ") + significant(value); }

std::string impactText(const TopWeight& row) {
  if (!std::isfinite(row.standard_error)) return significant(row.impact);
  return significant(row.impact) + " ± " + significant(row.standard_error, 2);
}

std::string sourceText(const TopWeight& row) {
  if (row.executed) return "executed";
  if (std::isnan(row.lower) || std::isnan(row.upper)) return "estimated";
  if (!std::isfinite(row.upper)) return "from " + significant(row.lower, 3);
  return significant(row.lower, 3) + " … " + significant(row.upper, 3);
}

/// Blanks between columns are part of it, at the end of none.
std::string topLine(std::size_t names, const std::string& rank, const std::string& name, const std::string& value,
                    const std::string& impact, const std::string& source, const std::string& magnitude) {
  return rightAligned(rank, 3) + "  " + padded(shortenedInTheMiddle(name, names), names) + " " + padded(value, 11) +
         " " + padded(impact, 20) + " " + padded(source, 15) + " " + rightAligned(magnitude, 10) + "\n";
}

std::string title(const Run& run, std::size_t shown, const Findings& findings) {
  const std::string metric(name(run.settings.metrics.front()));
  std::string text =
      shown == 1 ? "The weight that matters most" : "The " + grouped(shown) + " weights that matter most";
  text += " of " + grouped(findings.weights);
  std::size_t all = 0;
  for (const ParameterImpacts& each : run.impacts) all += each.impact.size();
  if (all != findings.weights) text += " ranked (the model has " + grouped(all) + ")";
  text += ", by " + metric + " impact under '" + run.settings.perturbation.text() + "'";
  return text;
}

std::string topTable(const Run& run, const Findings& findings) {
  const std::size_t shown = std::min(findings.top.size(), placesShown);
  std::string text = wrapped(title(run, shown, findings), verdictWidth) + "\n";
  const std::string interval = significant(100 * (1 - run.settings.alpha), 4) + " % interval";
  std::vector<std::string> labels;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    labels.push_back(weightLabel(run.structure.parameters[findings.top[i].parameter], findings.top[i].index));
    longest = std::max(longest, widthOf(labels.back()));
  }
  const auto names = nameColumn(nameWidth, longest);
  text += topLine(names, "#", "weight", " value", "impact ± std. error", interval, "|w| rank");
  for (std::size_t i = 0; i < shown; ++i) {
    const TopWeight& row = findings.top[i];
    text += topLine(names, std::to_string(i + 1), labels[i], signedNumber(row.weight), impactText(row), sourceText(row),
                    row.magnitude_rank > 0 ? grouped(row.magnitude_rank) : "–");
  }
  if (run.settings.metrics.front() == Metric::rms && run.output.rms > 0 && findings.moving > 0) {
    const double percent = 100 * static_cast<double>(findings.top.front().impact) / run.output.rms;
    text += wrapped("The output itself has an rms of " + significant(run.output.rms, 3) +
                        "; the first weight moves it by " +
                        (percent < 99.5 || percent > 1e9 ? significant(percent, 2)
                                                         : grouped(static_cast<std::size_t>(std::llround(percent)))) +
                        " %.",
                    verdictWidth) +
            "\n";
  }
  return text;
}

std::string agreementLine(std::size_t names, const std::string& name, const std::string& weights,
                          const std::string& spearman, const std::string& overlap) {
  return padded(shortenedInTheMiddle(name, names), names) + " " + rightAligned(weights, 13) + " " +
         rightAligned(spearman, 10) + " " + rightAligned(overlap, 20) + "\n";
}

std::string fixed2(const std::optional<double>& value) {
  if (!value) return "–";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", *value);
  return text;
}

std::string agreementRow(std::size_t names, const std::string& name, const Agreement& row) {
  const std::string overlap = row.overlap ? significant(100 * *row.overlap, 3) + " %" : "–";
  return agreementLine(names, name, grouped(row.weights), fixed2(row.spearman), overlap);
}

std::string agreementTable(const Findings& findings) {
  const std::vector<Agreement>& parameters = findings.comparison.parameters;
  const std::size_t shown = std::min(parameters.size(), parametersShown);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < shown; ++i) longest = std::max(longest, widthOf(parameters[i].name));
  const auto names = nameColumn(nameWidth + 5, longest);
  std::string text = agreementLine(names, "magnitude against impact", "weights", "Spearman", "top 1 % in common");
  for (std::size_t i = 0; i < shown; ++i) text += agreementRow(names, parameters[i].name, parameters[i]);
  if (parameters.size() > shown)
    text += "and " + counted(parameters.size() - shown, "further parameter") + " in comparison.json\n";
  if (parameters.size() > 1) text += agreementRow(names, "all", findings.comparison.overall);
  return text;
}

}  // namespace

std::string verdictSentence(const Run& run, const Findings& findings) {
  return findings.weights == 0 && !run.components.empty() ? componentSentence(run) : judgementSentence(findings);
}

std::string verdict(const Run& run, const Findings& findings) {
  std::string text;
  if (!findings.top.empty()) text += topTable(run, findings) + "\n";
  if (!run.components.empty()) text += componentTables(run) + "\n";
  if (!run.groups.empty()) text += groupTables(run) + "\n";
  if (findings.weights > 0) text += agreementTable(findings) + "\n";
  text += wrapped(verdictSentence(run, findings), verdictWidth) + "\n";
  const std::string certainty = certaintySentences(run, findings);
  if (!certainty.empty()) text += wrapped(certainty, verdictWidth) + "\n";
  return text;
}

}  // namespace heft
