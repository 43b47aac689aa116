#include <algorithm>
#include <cmath>
#include <cstdio>

#include "compare/agreement.hpp"
#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "run/findings/component_findings.hpp"
#include "run/stored/json_text.hpp"
#include "run/text/verdict.hpp"

namespace heft {
namespace {

constexpr std::size_t rowsShown = 10;
constexpr std::size_t runsShown = 4;   // beside the mean, on one line of the terminal
constexpr std::size_t pairsShown = 8;  // runs whose pairs are a table
constexpr std::size_t nameWidth = 34;

std::string fixed2(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return "–";
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", *value);
  return text;
}

std::string cut(const std::string& name, std::size_t width) { return shortenedInTheMiddle(printable(name), width); }

std::string kindWords(const KindAgreement& kind) {
  return pluralOf(kind.level) + (kind.path.empty() || kind.path == "all" ? "" : " (" + kind.path + ")");
}

std::string heading(const RunsAgreement& agreement, const KindAgreement& kind) {
  const auto pairs = pairsOf(kind);
  std::string words = kindWords(kind);
  words[0] = static_cast<char>(words[0] - 'a' + 'A');
  std::string text = words + ", " + grouped(kind.common) + " in every run";
  if (kind.missing > 0) text += " (and " + grouped(kind.missing) + " in some only)";
  text += ": Spearman " + fixed2(pairs.mean);
  if (agreement.runs.size() > 2 && pairs.least && pairs.most)
    text += " on average, from " + fixed2(pairs.least) + " (" + cut(agreement.runs[pairs.least_a], 24) + ", " +
            cut(agreement.runs[pairs.least_b], 24) + ") to " + fixed2(pairs.most) + " (" +
            cut(agreement.runs[pairs.most_a], 24) + ", " + cut(agreement.runs[pairs.most_b], 24) + ")";
  return wrapped(text + ".", verdictWidth) + "\n";
}

std::string pairTable(const RunsAgreement& agreement, const KindAgreement& kind) {
  const std::size_t runs = agreement.runs.size();
  if (runs < 3 || runs > pairsShown) return "";
  std::string text = padded("Spearman", 21);
  for (const auto& name : agreement.runs) text += rightAligned(cut(name, 9), 10);
  text += "\n";
  for (std::size_t a = 0; a < runs; ++a) {
    text += padded(cut(agreement.runs[a], 20), 21);
    for (std::size_t b = 0; b < a; ++b) text += rightAligned(fixed2(kind.spearman[a][b]), 10);
    text += rightAligned("1", 10) + "\n";
  }
  return text;
}

std::string rowsText(const RunsAgreement& agreement, const KindAgreement& kind) {
  const std::size_t runs = agreement.runs.size();
  const bool each = runs <= runsShown;
  std::string text = rightAligned("#", 3) + "  " + padded(std::string(name(kind.level)), nameWidth) + " " +
                     padded("mean ± spread", 20);
  if (each) {
    for (const auto& run : agreement.runs) text += rightAligned(cut(run, 9), 10);
  } else {
    text += rightAligned("least", 10) + rightAligned("most", 10);
  }
  text += "\n";
  for (std::size_t i = 0; i < std::min(rowsShown, kind.components.size()); ++i) {
    const auto& one = kind.components[i];
    text += rightAligned(std::to_string(i + 1), 3) + "  " + padded(cut(one.name, nameWidth), nameWidth) + " " +
            padded(significant(one.mean) + " ± " + significant(one.spread, 2), 20);
    if (each) {
      for (const double impact : one.impact) text += rightAligned(significant(impact, 3), 10);
    } else {
      text += rightAligned(significant(*std::min_element(one.impact.begin(), one.impact.end()), 3), 10) +
              rightAligned(significant(*std::max_element(one.impact.begin(), one.impact.end()), 3), 10);
    }
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json numbers(const std::vector<double>& values) {
  auto list = nlohmann::ordered_json::array();
  for (const double one : values) list.push_back(finiteOrNull(one));
  return list;
}

nlohmann::ordered_json componentsJson(const KindAgreement& kind) {
  auto rows = nlohmann::ordered_json::array();
  for (const auto& one : kind.components) {
    rows.push_back({{"name", one.name},
                    {"impact", numbers(one.impact)},
                    {"mean", finiteOrNull(one.mean)},
                    {"spread", finiteOrNull(one.spread)}});
    if (one.group_mean.empty()) continue;
    rows.back()["group_mean"] = numbers(one.group_mean);
    rows.back()["group_spread"] = numbers(one.group_spread);
  }
  return rows;
}

}  // namespace

std::string agreementText(const RunsAgreement& agreement) {
  std::string names;
  for (const auto& one : agreement.runs) names += (names.empty() ? "" : ", ") + printable(one);
  std::string text = wrapped(grouped(agreement.runs.size()) + " runs: " + names + ".", verdictWidth) + "\n";
  for (const auto& kind : agreement.kinds) {
    if (!kind.path.empty() && kind.path != "all") continue;
    text += "\n" + heading(agreement, kind) + pairTable(agreement, kind) + rowsText(agreement, kind);
  }
  const auto is_part = [](const KindAgreement& kind) { return !kind.path.empty() && kind.path != "all"; };
  std::string parts;
  for (const auto& kind : agreement.kinds) {
    if (is_part(kind)) parts += (parts.empty() ? "" : ", ") + kindWords(kind) + " " + fixed2(pairsOf(kind).mean);
  }
  if (!parts.empty()) text += "\n" + wrapped("Spearman of single paths: " + parts + ".", verdictWidth) + "\n";
  return text +
         wrapped("Spread: standard deviation over runs. Rows of all components: " + settingName("json") +
                     ", comparison.json.",
                 verdictWidth) +
         "\n";
}

nlohmann::ordered_json agreementSection(const RunsAgreement& agreement) {
  auto kinds = nlohmann::ordered_json::array();
  for (const auto& kind : agreement.kinds) {
    auto pairs = nlohmann::ordered_json::array();
    for (const auto& row : kind.spearman) {
      auto list = nlohmann::ordered_json::array();
      for (const auto& one : row) list.push_back(finiteOrNull(one));
      pairs.push_back(std::move(list));
    }
    kinds.push_back({{"level", name(kind.level)},
                     {"path", kind.path.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(kind.path)},
                     {"common", kind.common},
                     {"missing", kind.missing},
                     {"spearman", std::move(pairs)},
                     {"mean_spearman", finiteOrNull(pairsOf(kind).mean)},
                     {"components", componentsJson(kind)}});
  }
  return {{"runs", agreement.runs}, {"groups", agreement.groups}, {"kinds", std::move(kinds)}};
}

}  // namespace heft
