#pragma once

#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Somebody else's scores: a .safetensors file of tensors with the parameters' names and shapes; a parameter that the file
/// lacks has none. Throws Error(Fault::input) where none is there or a shape differs.
[[nodiscard]] CriterionScores readScores(const std::string& file, const Run& run);

/// Gives each a name that no other has: a file's own, with its folder before it where a criterion of ours is called so.
void nameApart(std::vector<CriterionScores>& given);

/// Takes away the scores of weights that are not part of the run, whatever the criterion says of them.
void keepRunOnly(CriterionScores& scores, const Run& run);

/// Throws Error(Fault::output) where the run has no impacts of single weights; `folder` names it.
void requireImpacts(const Run& run, const std::string& folder);

}  // namespace heft
