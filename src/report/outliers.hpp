#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/robust_bins.hpp"
#include "report/answer.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// One matrix's weights by how far they lie from its middle.
struct MatrixOutliers {
  std::string parameter;
  RobustScale scale;
  std::vector<ImpactSums> bins;  ///< one a bin of `outlierBinEdges`
};

/// Of every parameter that has weights in the run, in the model's order.
[[nodiscard]] std::vector<MatrixOutliers> outliersOf(const Run& run);

/// Whether outlying weights (robust |z| of `outlierFrom` and more) play the big role: yes from half of the impact on.
[[nodiscard]] Answer outliersAnswer(const Run& run, const std::vector<MatrixOutliers>& matrices);

/// The section; `joint` is the "outliers" section of comparison.json, or null.
[[nodiscard]] nlohmann::ordered_json outliersJson(const Run& run, const nlohmann::json& joint);

}  // namespace heft
