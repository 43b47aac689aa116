#pragma once

#include <string>

#include "heft/error.hpp"

namespace heft {

/// Nothing can be estimated: the outputs have no graph behind them, or it can't be walked back. estimateAll() and estimateBy() throw it.
class NoEstimate : public Error {
 public:
  explicit NoEstimate(const std::string& why) : Error(Fault::unsupported, why) {}
};

}  // namespace heft
