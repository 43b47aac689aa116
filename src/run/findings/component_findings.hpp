#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

/// The components of one kind, those that matter most first.
struct RankedKind {
  Level level = Level::matrix;
  std::string path;                ///< of units; else ""
  std::vector<std::size_t> order;  ///< places in Run::components, largest impact first; equal ones in the model's order
  std::size_t moving = 0;          ///< of them, with an impact above zero
  std::optional<double> spearman;  ///< of the norm of their weights with impact; none where one side is constant
};

/// A kind for each level in the run's order, of units one for each path: "all" first.
[[nodiscard]] std::vector<RankedKind> rankedKinds(const Run& run);

/// "units", "matrices": what there are several of.
[[nodiscard]] std::string pluralOf(Level level);
/// "unit", "units (outgoing)": one kind's name.
[[nodiscard]] std::string wordsOf(const RankedKind& kind);

/// The joint impact by the run's first metric; NaN where there is none.
[[nodiscard]] double impactOf(const Run& run, const ComponentImpact& component);

/// The name of a unit without its path: "lstm.l0:unit=12".
[[nodiscard]] std::string withoutPath(const ComponentImpact& component);

/// What a run of components alone says, in a sentence: the foremost of each level.
[[nodiscard]] std::string componentSentence(const Run& run);
/// How sure its impacts are.
[[nodiscard]] std::string componentCertainty(const Run& run);

}  // namespace heft
