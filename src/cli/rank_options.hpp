#pragma once

#include <string>

#include "cli/options.hpp"

namespace heft::cli {

/// What `heft rank` and `heft plan` take as text that stands for several of a ranking's options.
struct RankTexts {
  std::string budget, by;
};

/// Adds the model's options, --method, --metric, --perturb, --seed, --components, --parameters, --top, --alpha, --miss,
/// --by, --budget, --precision.
void addRankOptions(CLI::App& command, RankOptions& options, RankTexts& texts);

/// The options with what their texts stand for. Throws Error(Fault::usage) for what can't be read.
RankOptions withTexts(RankOptions options, const RankTexts& texts);

}  // namespace heft::cli
