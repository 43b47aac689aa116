#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure/session.hpp"
#include "measure/settings.hpp"

namespace heft {

/// New value of weight `flat` of `parameter`, whose value is `weight`.
using NewValue = std::function<double(int64_t parameter, int64_t flat, double weight)>;

struct ResponseOptions {
  uint64_t seed = 0;
  /// Outputs are taken one by one up to this many a sample, and by random probes beyond.
  int64_t exact_elements = 128;
  int64_t probes = 256;             ///< random +-1 vectors over the outputs that stand in for them
  int64_t memory = int64_t{2} << 30;  ///< bytes that adjoints may take; fewer probes where they would take more
  std::vector<std::vector<uint8_t>> wanted;  ///< by parameter, [rows]: 1 where a row is to be estimated; empty: all
};

/// Estimated impacts of every weight, each changed alone, by rms: sqrt(mean over samples and elements of (y' - y)^2).
struct ResponseResult {
  std::vector<std::vector<double>> impact;          ///< by parameter, [weights]; 0 where nothing reads it or not wanted
  std::vector<std::vector<float>> standard_error;   ///< over inputs; NaN with one sample
  size_t adjoints = 0;
  int64_t probes = 0;         ///< 0: every output exactly
  double probe_error = 0;     ///< relative standard error that probes add to an impact, at most
  std::vector<std::string> notes;
};

/// Called with what is being done and the share that is done, 0 to 1; may throw to stop.
using StageProgress = std::function<void(const std::string& stage, double share)>;

/// Unit response of all weights (METHOD of this project): one adjoint run, then one pass over the weights.
ResponseResult estimateAll(Session& session, const NewValue& new_value, const ResponseOptions& options, const StageProgress& progress);

}  // namespace heft
