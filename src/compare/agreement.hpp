#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

/// A component (or a weight) in several runs.
struct AgreedComponent {
  std::string name;
  std::vector<double> impact;        ///< [runs]
  double mean = 0, spread = 0;       ///< over runs; the spread is their standard deviation, divided by runs - 1
  std::vector<double> group_mean{};  ///< [groups], the same on each group of the outputs
  std::vector<double> group_spread{};
};

/// What runs agree on, of components of one kind.
struct KindAgreement {
  Level level = Level::matrix;
  std::string path;         ///< of units; else ""
  std::size_t common = 0;   ///< components that are in every run
  std::size_t missing = 0;  ///< that are in some only
  /// [runs][runs]: rank correlation of each pair, over the common ones; none where one side is constant.
  std::vector<std::vector<std::optional<double>>> spearman;
  std::vector<AgreedComponent> components;  ///< the largest mean first; of single weights the foremost alone
};

struct RunsAgreement {
  std::vector<std::string> runs;    ///< their names
  std::vector<std::string> groups;  ///< of the outputs, where all runs have the same; else empty
  std::vector<KindAgreement> kinds;
};

/// Holds runs of one architecture against each other: seeds, checkpoints, input sets. Components go by their names. Kinds are
/// those that every run has; single weights are one where every run measured them and has the same parameters. Throws
/// Error(Fault::output) where no kind is left.
[[nodiscard]] RunsAgreement agreementOf(std::span<const Run> runs, std::vector<std::string> names);

/// Mean, least and most of the pairs' rank correlations.
struct PairsOf {
  std::optional<double> mean, least, most;
  std::size_t least_a = 0, least_b = 0, most_a = 0, most_b = 0;  ///< places of the runs
};
[[nodiscard]] PairsOf pairsOf(const KindAgreement& kind);

/// For a terminal.
[[nodiscard]] std::string agreementText(const RunsAgreement& agreement);

/// "agreement" of comparison.json: {"runs", "groups", "kinds": [{"level", "path", "common", "missing", "spearman": [[…]],
/// "mean_spearman", "components": [{"name", "impact": […], "mean", "spread", "group_mean", "group_spread"}]}]}.
[[nodiscard]] nlohmann::ordered_json agreementSection(const RunsAgreement& agreement);

}  // namespace heft
