#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "heft/model_options.hpp"

namespace heft {

/// What `heft rank` takes, for a C++ program. Words are those of the command line and of run.json ("auto", "rms",
/// "noise:0.1", "unit"), so that a program can pass on what a person wrote, and are checked as they are there.
struct RankOptions : ModelOptions {
  std::string method = "auto";                    ///< also "response", "exhaustive", "reference"
  std::vector<std::string> metrics{"rms"};        ///< the first one ranks
  std::string perturbation = "zero";              ///< what weights are changed to
  std::vector<std::string> components{"weight"};  ///< levels; those above a weight are measured jointly
  std::string by;                                 ///< components' impacts by "class", "step", "output", "target" too
  std::vector<std::string> labels;                ///< instead of `by`: a label for each sample, to split them by
  std::vector<std::string> parameters;            ///< GLOB or GLOB[rows,columns]; empty: all
  std::int64_t top = 20;                          ///< places that are settled and returned
  double alpha = 0.05;                            ///< an estimate's interval misses with at most this probability
  double miss = 0.01;                             ///< share of the top that may be missing for it to count as settled
  std::int64_t budget_variants = 0;               ///< most variants to execute; 0: as many as it takes
  double budget_seconds = 0;                      ///< most seconds to execute for; 0: no limit
  std::uint64_t seed = 0;                         ///< every random draw derives from it
  std::string precision = "float32";              ///< of executed weights; also "bfloat16", "as-model"
  std::vector<std::string> feature_names;         ///< what the input's features are called; empty: their numbers

  std::filesystem::path run;  ///< run folder to write, new or empty; empty: nothing is left on the disk
  bool resume = false;        ///< go on with what `run` holds of an earlier, stopped ranking

  /// Called now and then, from the calling thread, with what is being done and the share of it that is, 0 to 1. May throw
  /// to stop: what was measured is then kept in `run`.
  std::function<void(const std::string& stage, double share)> progress;
};

/// One parameter's impacts. Vectors are [rows x columns] of the parameter, row-major; NaN: not part of the ranking.
struct RankedParameter {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> weight;        ///< the model's values
  std::vector<float> impact;        ///< by the first metric, in its unit
  std::vector<float> lower, upper;  ///< the interval; both are the impact where it was executed; upper may be infinite
  std::vector<float> standard_error;   ///< of the impact, over inputs; NaN where there is one sample
  std::vector<std::uint8_t> executed;  ///< 1: executed, 0: estimated or not part of the ranking
};

/// One place of the ranking.
struct RankedWeight {
  std::string name;           ///< "rnn.weight_hh_l0[12,7]"
  std::size_t parameter = 0;  ///< index into Ranking::parameters
  std::int64_t index = 0;     ///< row-major place in it
  float weight = 0, impact = 0, lower = 0, upper = 0, standard_error = 0;
  bool executed = false;
  std::size_t magnitude_rank = 0;  ///< its place among all weights of the ranking by |weight|, from 1
};

/// A component above a weight, all its weights changed together.
struct RankedComponent {
  std::string name;   ///< "lstm.l0:gate=forget"
  std::string level;  ///< "row", "column", "unit", "gate", "matrix", "layer"
  std::int64_t weights = 0;
  double impact = 0, standard_error = 0;  ///< by the first metric
  std::vector<double> by_group;           ///< the same on each of Ranking::groups
  std::vector<double> group_error;
};

/// What ranking found.
struct Ranking {
  std::vector<RankedParameter> parameters;  ///< in the model's order
  std::vector<RankedWeight> top;            ///< largest impact first
  std::vector<RankedComponent> components;
  std::vector<std::string> groups;  ///< that components' impacts are split by; empty without
  bool settled =
      false;  ///< method "auto": the top is known as a set, but for at most `missing` members at 95 % confidence
  double missing = 0;
  double spearman = 0;             ///< rank correlation of |weight| with impact; NaN where it has no meaning
  std::size_t variants = 0;        ///< executed
  double seconds = 0;              ///< it took
  std::vector<std::string> notes;  ///< sentences that a reader should know
};

/// Measures which weights matter, as `heft rank` does, and gives the same numbers. Throws heft::Error: usage, model, input,
/// unsupported, output or memory as the command's exit status says; and whatever `progress` throws. Prints nothing.
/// One ranking at a time in a process.
[[nodiscard]] Ranking rank(const RankOptions& options);

}  // namespace heft
