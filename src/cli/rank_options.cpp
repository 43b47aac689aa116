#include "cli/rank_options.hpp"

#include <filesystem>

#include "data/labels.hpp"
#include "data/printable.hpp"
#include "heft/error.hpp"
#include "run/stored/settings.hpp"

namespace heft::cli {
namespace {

/// "500" is a number of variants; "90s", "20min", "2h" a time.
void readBudget(const std::string& text, RankOptions& options) {
  if (text.empty()) return;
  size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const auto unit = text.substr(used);
  if (used > 0 && number > 0 && number < 1e15) {
    if (unit.empty() && number == static_cast<double>(static_cast<int64_t>(number)))
      return static_cast<void>(options.budget_variants = static_cast<int64_t>(number));
    if (unit == "s") return static_cast<void>(options.budget_seconds = number);
    if (unit == "m" || unit == "min") return static_cast<void>(options.budget_seconds = 60 * number);
    if (unit == "h") return static_cast<void>(options.budget_seconds = 3600 * number);
  }
  throw Error(Fault::usage,
              "--budget " + text + ": a number of variants (500) or a time (90s, 20min, 2h) was expected");
}

/// A word, or a file with a label for each sample.
void readGroups(const std::string& text, RankOptions& options) {
  for (const auto by : {GroupBy::klass, GroupBy::step, GroupBy::output, GroupBy::target}) {
    if (name(by) == text) options.by = text;
  }
  if (text.empty() || !options.by.empty()) return;
  if (!std::filesystem::exists(text))
    throw Error(Fault::usage, "--by " + printable(text) +
                                  ": class, step, output, target, or a file with a label for each sample was expected");
  options.labels = readLabels(text);
}

}  // namespace

RankOptions withTexts(RankOptions options, const RankTexts& texts) {
  readBudget(texts.budget, options);
  readGroups(texts.by, options);
  return options;
}

void addRankOptions(CLI::App& command, RankOptions& options, RankTexts& texts) {
  addModelOptions(command, options, true);
  command
      .add_option("--method", options.method,
                  "auto (estimate all, execute the top until it is settled), response, exhaustive or reference")
      ->capture_default_str();
  addMeasuringOptions(command, options);
  command.add_option("--components", options.components, "weight, row, column, unit, gate, matrix, layer; several")
      ->type_name("LEVEL...")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option(
          "--by", texts.by,
          "Components' impacts on each class, step, output or target class (--targets) as well, or on each kind "
          "of sample: a FILE with a label for each")
      ->type_name("WHAT");
  command
      .add_option("--parameters", options.parameters,
                  "Only these: GLOB or GLOB[rows,columns], as in 'rnn.weight_hh_l0[0:16,:]'; several")
      ->type_name("GLOB...");
  command.add_option("--top", options.top, "Places that are settled and shown")->capture_default_str();
  command.add_option("--alpha", options.alpha, "An estimate's interval misses with at most this probability")
      ->capture_default_str();
  command.add_option("--miss", options.miss, "Share of the top that may be missing for it to count as settled")
      ->capture_default_str();
  command.add_option("--budget", texts.budget,
                     "Most to spend on executing: a number of variants (500) or a time (90s, 20min, 2h)");
  command
      .add_option("--precision", options.precision,
                  "Of executed weights' products: float32, or bfloat16, which is faster on large models (AMX, AVX-512 "
                  "with bfloat16, CUDA), off by some millionths where outputs are few (relu apart), else 0.1 %, and "
                  "says how far; as-model: all in the model's own types, autocast included, one weight at a time")
      ->capture_default_str();
}

}  // namespace heft::cli
