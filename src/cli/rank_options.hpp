#pragma once

#include <string>
#include <vector>

#include "cli/options.hpp"
#include "run/stored/settings.hpp"

namespace heft::cli {

/// What a ranking is to do, as `heft rank` and `heft plan` read it.
struct RankOptions {
  ModelOptions model;
  MeasuringOptions measuring;
  std::string method = "auto", precision = "float32", budget, by;
  std::vector<std::string> components{"weight"}, parameters;
  int64_t top = RankSettings{}.top;
  double alpha = RankSettings{}.alpha, miss = RankSettings{}.miss;
};

/// Adds the model's options, --method, --metric, --perturb, --seed, --components, --parameters, --top, --alpha, --miss,
/// --by, --budget, --precision.
void addRankOptions(CLI::App& command, RankOptions& options);

/// Throws Error(Fault::usage) for what can't be read.
RankSettings readSettings(const RankOptions& options);

/// The model and what it runs on, where the settings have a part in that.
ModelOptions rankedModel(const RankOptions& options, const RankSettings& settings);

}  // namespace heft::cli
