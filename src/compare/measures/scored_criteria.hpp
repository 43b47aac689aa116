#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"

namespace heft {

/// Scores of criteria, and sentences on those that are left out since no gradient can be had.
struct ScoredCriteria {
  std::vector<CriterionScores> scores;
  std::vector<std::string> left_out;
};

/// scoresOf(), which throws where one of them can't be had.
ScoredCriteria scoresThereAre(Session& session, std::span<const Criterion> criteria, const CriteriaOptions& options,
                              const std::function<void(const std::string&, double)>& progress);

}  // namespace heft
