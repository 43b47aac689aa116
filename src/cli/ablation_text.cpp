#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/ablation.hpp"
#include "cli/table.hpp"
#include "data/words.hpp"

namespace heft::cli {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kLabel = 11;
constexpr std::size_t kMovers = 5;
constexpr std::size_t kMoversInARow = 3;

std::string number(std::int64_t value) { return grouped(static_cast<std::size_t>(value)); }

std::string withSign(double value, int digits = 3) { return (value > 0 ? "+" : "") + significant(value, digits); }

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

/// Places of the largest values, largest first; zeros are left out.
std::vector<std::size_t> largest(const std::vector<double>& values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::erase_if(order, [&](std::size_t i) { return !(values[i] > 0); });
  count = std::min(count, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
      [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  order.resize(count);
  return order;
}

std::string weightsText(const WhatIf& variant) {
  if (variant.from) return "1 weight, " + significant(*variant.from) + " -> " + significant(*variant.to);
  auto text = counted(static_cast<std::size_t>(variant.weights), "weight") + ", mean |w| " +
              significant(variant.mean_magnitude, 3) + ", largest " + significant(variant.largest_magnitude, 3);
  if (variant.moved < variant.weights) text += ", " + number(variant.weights - variant.moved) + " keep their value";
  return text;
}

/// Shown in per cent.
bool isShare(Metric metric) { return facts(metric).growth == Growth::steps; }

std::string remark(const Ablation& ablation, const WhatIf& variant, Metric metric) {
  const auto& report = ablation.report;
  const auto share = [](double part, double whole, const char* of) {
    return whole > 0 ? significant(100 * part / whole, 2) + " % of the output's " + of + ", " + significant(whole, 3)
                     : std::string();
  };
  if (metric == Metric::rms) return share(variant.change.all_rms, report.baseline.all_rms, "own rms");
  if (metric == Metric::max) return share(variant.change.all_max, report.baseline.all_max, "largest value");
  if (metric != Metric::loss) return std::string(facts(metric).unit);
  return significant(*report.loss) + " -> " + significant(*variant.loss) + " (" + withSign(*variant.loss_change) + ")";
}

std::string impactText(const WhatIf::Value& one) {
  return isShare(one.metric) ? percent(one.value) : significant(one.value);
}

std::string metricsTable(const Ablation& ablation, const WhatIf& variant) {
  Table table("lrrl");
  table.row({"metric", "impact", "± std. error", ""});
  for (const auto& one : variant.impacts) {
    const auto error = !std::isfinite(one.standard_error) ? "–"
                       : isShare(one.metric)              ? percent(one.standard_error)
                                                          : significant(one.standard_error, 2);
    table.row({std::string(name(one.metric)), impactText(one), error, remark(ablation, variant, one.metric)});
  }
  if (variant.accuracy)
    table.row({"accuracy", withSign(100 * (*variant.accuracy - *ablation.report.accuracy)) + " %", "",
               percent(*ablation.report.accuracy) + " -> " + percent(*variant.accuracy)});
  return table.text(kIndent);
}

template <class Name>
std::string moversTable(const std::string& title, const std::vector<double>& mean, const std::vector<double>& rms,
                        const std::vector<double>& own_mean, const std::vector<double>& own_rms, const Name& nameOf) {
  Table table("lrrrr");
  table.row({title, "mean change", "rms change", "own mean", "own rms"});
  const auto order = largest(rms, kMovers);
  for (const auto i : order)
    table.row({nameOf(i), withSign(mean[i]), significant(rms[i], 3), significant(own_mean[i], 3),
               significant(own_rms[i], 3)});
  return order.empty() ? std::string() : "\n" + table.text(kIndent);
}

std::string className(std::size_t i) { return "class " + std::to_string(i); }

std::string singleText(const Ablation& ablation, const WhatIf& variant) {
  const auto& change = variant.change;
  const auto& own = ablation.report.baseline;
  auto text =
      labelled(variant.name + "  ", weightsText(variant), std::min<std::size_t>(widthOf(variant.name) + 2, 48)) + "\n" +
      metricsTable(ablation, variant);
  if (std::any_of(change.sample_rms.begin(), change.sample_rms.end(), [](double one) { return std::isnan(one); }))
    return text + "\n  The output is no number then.\n";
  if (largest(change.sample_rms, 1).empty()) return text + "\n  Nothing moves.\n";
  text += moversTable("classes that move most", change.class_mean, change.class_rms, own.class_mean, own.class_rms,
                      className);
  text += moversTable("outputs that move most", change.mean, change.rms, own.mean, own.rms,
                      [&](std::size_t i) { return elementName(ablation.report, i); });
  if (ablation.report.samples < 2) return text;
  Table table("lrr");
  table.row({"samples that move most", "rms change", "own rms"});
  for (const auto i : largest(change.sample_rms, kMovers))
    table.row({"sample " + std::to_string(i), significant(change.sample_rms[i], 3), significant(own.sample_rms[i], 3)});
  return text + "\n" + table.text(kIndent);
}

std::string comparison(const Ablation& ablation) {
  const auto& variants = ablation.report.variants;
  const auto& first = variants.front();
  std::string sides = "lrr";
  std::vector<std::string> head{"", "weights", "mean |w|"};
  for (const auto& one : first.impacts) {
    head.emplace_back(one.metric == Metric::loss ? "loss change" : name(one.metric));
    sides += 'r';
  }
  if (first.accuracy) {
    head.emplace_back("accuracy");
    sides += 'r';
  }
  Table table(sides);
  table.row(head);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto& variant = variants[i];
    std::vector<std::string> cells{ablation.together && i + 1 == variants.size() ? "together" : variant.name,
                                   number(variant.weights), significant(variant.mean_magnitude, 3)};
    for (const auto& one : variant.impacts)
      cells.push_back(one.metric == Metric::loss ? withSign(*variant.loss_change)
                      : isShare(one.metric)      ? percent(one.value)
                                                 : significant(one.value, 3));
    if (variant.accuracy) cells.push_back(percent(*variant.accuracy));
    table.row(cells);
  }
  return table.text(0);
}

/// "class 3 +0.12, class 7 -0.1": the mean changes of those that move most.
std::string moversLine(const Ablation& ablation, const WhatIf& variant) {
  const auto& change = variant.change;
  const bool by_class = !change.class_rms.empty();
  const auto& rms = by_class ? change.class_rms : change.rms;
  const auto& mean = by_class ? change.class_mean : change.mean;
  std::string text;
  for (const auto i : largest(rms, kMoversInARow)) {
    text += (text.empty() ? "" : ", ") + (by_class ? className(i) : elementName(ablation.report, i)) + " " +
            withSign(mean[i]) + " (rms " + significant(rms[i], 3) + ")";
  }
  std::string samples;
  for (const auto i : largest(change.sample_rms, kMoversInARow))
    samples +=
        (samples.empty() ? "" : ", ") + std::to_string(i) + " (rms " + significant(change.sample_rms[i], 3) + ")";
  if (text.empty()) return "nothing moves";
  return text + (ablation.report.samples > 1 ? "; samples " + samples : "");
}

}  // namespace

std::string elementName(const WhatIfReport& report, std::size_t element) {
  auto rest = static_cast<std::int64_t>(element);
  for (const auto& piece : report.pieces) {
    std::int64_t size = 1;
    for (const auto dim : piece.shape) size *= dim;
    if (rest >= size) {
      rest -= size;
      continue;
    }
    std::vector<std::int64_t> place(piece.shape.size());
    for (std::size_t dim = piece.shape.size(); dim-- > 0;) {
      place[static_cast<std::size_t>(piece.order[dim])] = piece.first[dim] + rest % piece.shape[dim];
      rest /= piece.shape[dim];
    }
    std::string index;
    for (const auto one : place) index += (index.empty() ? "" : ",") + std::to_string(one);
    return (piece.path.empty() ? "output" : piece.path) + (index.empty() ? "" : "[" + index + "]");
  }
  return "?";
}

std::string ablationText(const Ablation& ablation) {
  const auto& report = ablation.report;
  auto text = labelled("unchanged",
                       ablation.output + ", rms " + significant(report.baseline.all_rms, 3) + ", largest " +
                           significant(report.baseline.all_max, 3),
                       kLabel);
  if (report.loss)
    text += labelled(
        "", "loss " + significant(*report.loss) + (report.accuracy ? ", accuracy " + percent(*report.accuracy) : ""),
        kLabel);
  text += labelled("change", ablation.perturbation, kLabel) + "\n";
  if (report.variants.size() == 1) return text + singleText(ablation, report.variants.front());
  text += comparison(ablation) + "\nWhat moves most (mean change over samples)\n";
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    const auto& variant = report.variants[i];
    text += "  " +
            shortenedInTheMiddle(ablation.together && i + 1 == report.variants.size() ? "together" : variant.name,
                                 kTerminalWidth - 2) +
            "\n";
    text += labelled("    ", moversLine(ablation, variant), 4);
  }
  return text;
}

}  // namespace heft::cli
