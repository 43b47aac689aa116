#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "data/memory.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"

namespace heft {

/// Nothing can be estimated: the outputs have no graph behind them, or it can't be walked back. estimateAll() and estimateBy() throw it.
class NoEstimate : public Error {
 public:
  explicit NoEstimate(const std::string& why) : Error(Fault::unsupported, why) {}
};

/// What `work` gives; NoEstimate where it fails and memory is not the reason.
template <class Work>
auto orNoEstimate(const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    // Forward ran before: what it can't do now is to be recorded.
    if (error.fault() == Fault::input) throw NoEstimate(error.what());
    throw;
  } catch (const c10::Error& error) {
    if (saysOutOfMemory(error.what())) throw;
    throw NoEstimate(firstLine(error.what()));
  }
}

}  // namespace heft
