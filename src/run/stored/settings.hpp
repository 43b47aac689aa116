#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "run/stored/metric.hpp"
#include "run/stored/perturbation.hpp"

namespace heft {

enum class Method { automatic, response, exhaustive, reference };
/// How products of differences are taken where an instruction set or a device offers more than one way. `as_model`: nothing is
/// converted, each variant runs alone in the types that the model itself has, autocast included.
enum class Precision { float32, bfloat16, as_model };
enum class Level { weight, row, column, unit, gate, matrix, layer };
/// What the impacts of components are split by: classes or steps of the outputs, the outputs themselves, classes of the targets,
/// or a label that each sample was given.
enum class GroupBy { none, klass, step, output, target, label };

/// The names that the command line, run.json and messages use: "auto", "weight", …; the readers throw
/// Error(Fault::usage) with the names there are.
[[nodiscard]] std::string_view name(Method method) noexcept;
[[nodiscard]] std::string_view name(Precision precision) noexcept;
[[nodiscard]] std::string_view name(Level level) noexcept;
[[nodiscard]] std::string_view name(GroupBy by) noexcept;  ///< "class", "step", "output", "target", "label"; "none"
[[nodiscard]] Method parseMethod(std::string_view text);
[[nodiscard]] Precision parsePrecision(std::string_view text);
[[nodiscard]] Level parseLevel(std::string_view text);
[[nodiscard]] GroupBy parseGroupBy(std::string_view text);

/// What a ranking is to do. Plain values, so that a run can be printed, saved and compared.
struct RankSettings {
  Method method = Method::automatic;
  std::vector<Metric> metrics{Metric::rms};  ///< the first one ranks
  Perturbation perturbation;                 ///< zero: what the field calls ablation
  std::vector<Level> levels{Level::weight};  ///< levels above a weight are executed jointly
  std::vector<std::string> parameters{};     ///< GLOB or GLOB[rows,columns]; empty: all
  std::string output_target{};               ///< empty: every floating output
  std::int64_t top = 20;                     ///< how many places are settled and shown
  double alpha = 0.05;                       ///< a weight's interval holds with probability 1 - alpha
  double miss = 0.01;                        ///< share of the top k that may be missing for it to count as settled
  std::int64_t budget_variants = 0;          ///< most variants to execute; 0: as many as it takes
  double budget_seconds = 0;                 ///< most time to execute for; 0: no limit
  std::uint64_t seed = 0;                    ///< every draw derives from it
  Precision precision = Precision::float32;  ///< of executed weights
  std::vector<std::string> dims{};           ///< what dimensions hold, NAME=ROLE,ROLE,…; empty: found out
  bool stream = false;                       ///< forward is called once a step
  GroupBy by = GroupBy::none;                ///< components' impacts on each group of the outputs as well
  std::vector<std::string> labels{};         ///< by label: each sample's
  std::vector<std::string> carry{};          ///< OUTPUT=ARGUMENT: outputs that are the next call's arguments
  std::int64_t draws = 1;                    ///< of the random numbers that forward asks for, each a further sample
};

/// Whether the method executes every selected weight; the others estimate all and execute some.
[[nodiscard]] bool executesAll(Method method) noexcept;
/// Whether single weights are ranked, and not their components alone.
[[nodiscard]] bool ranksWeights(const RankSettings& settings);
/// Whether components above a weight are measured.
[[nodiscard]] bool ranksComponents(const RankSettings& settings);

}  // namespace heft
