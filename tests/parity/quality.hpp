#pragma once

#include <map>
#include <string>

#include "measure/estimate/response.hpp"

namespace heft::test {

/// How well estimates of one matrix's weights, set to zero, agree with executing them.
struct Quality {
  int64_t size = 0;     ///< weights of the matrix
  size_t weights = 0;   ///< random ones with an impact above 1e-6 of the outputs' rms
  double spearman = 1;  ///< of these
  double median = 0;    ///< relative error of these
  double worst = 0;
  double top_spearman = 1;  ///< of the matrix's largest estimates
  double probe_error = 0;   ///< what probes add, as the estimate states it
  std::string method;
};

/// By parameter, for those with at least `fewest` weights: `random` weights of each matrix and its `top` largest.
std::map<std::string, Quality> qualityOf(Session& session, size_t random, size_t top, int64_t fewest = 30);
/// Of given estimates.
std::map<std::string, Quality> qualityOf(Session& session, const ResponseResult& result, size_t random, size_t top,
                                         int64_t fewest);

}  // namespace heft::test
