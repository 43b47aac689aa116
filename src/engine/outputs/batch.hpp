#pragma once

#include <string>
#include <vector>

#include "data/dims.hpp"
#include "engine/forward/runner.hpp"
#include "engine/outputs/layout.hpp"

namespace heft {

/// Where the samples of a batch lie in inputs and outputs.
struct Batch {
  int64_t samples = 1;               ///< 1: everything is one sample
  std::vector<int64_t> output_dims;  ///< by scored output; empty when all is one sample
  std::vector<int64_t> input_dims;   ///< by input tensor, -1: all samples share it; empty where none were found
  std::vector<int64_t>
      found_dims;         ///< as output_dims, also where some outputs have none (-1), so that all is one sample
  bool interact = false;  ///< a batch was there, but its samples influence each other
  std::string note;       ///< a sentence for people
};

/// Finds the batch dimension of every argument and output by running the model: replacing sample b of all arguments together
/// must move sample b of each output and no other. Where `given` names samples, only that is tried.
/// Also notices outputs whose shape depends on the data, and throws Error(Fault::unsupported) then.
Batch findBatch(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                const std::vector<NamedOutput>& baseline, const GivenDims& given = {});

/// Entries of an output that another run gives otherwise: beyond the rounding of float32, since a busy machine may share a
/// product among its threads in another way. Equal infinities are no change, and what is no number is one.
at::Tensor changedEntries(const at::Tensor& before, const at::Tensor& after);

/// Whether only entries at `index` of the dimension changed.
bool changedOnlyAt(const at::Tensor& changed, int64_t dim, int64_t index);

}  // namespace heft
