#pragma once

#include <string>
#include <vector>

#include "engine/layout.hpp"
#include "engine/runner.hpp"

namespace heft {

/// Where the samples of a batch lie in inputs and outputs.
struct Batch {
  int64_t samples = 1;               ///< 1: everything is one sample
  std::vector<int64_t> output_dims;  ///< by scored output; empty when all is one sample
  int64_t input_dim = -1;            ///< of the first input tensor; -1 when all is one sample
  bool interact = false;             ///< a batch was there, but its samples influence each other
  std::string note;                  ///< a sentence for people
};

/// Finds the batch dimension by running the model: replacing sample b must move output b and no other.
/// Also notices outputs whose shape depends on the data, and throws Error(Fault::unsupported) then.
Batch findBatch(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                const std::vector<NamedOutput>& baseline);

}  // namespace heft
