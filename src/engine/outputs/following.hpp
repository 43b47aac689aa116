#pragma once

#include <vector>

#include "engine/outputs/batch.hpp"

namespace heft {

/// Which dimensions of outputs are as long as the inputs make them: those of time, mostly.
struct Following {
  std::vector<std::vector<int64_t>>
      dims;  ///< by scored output: dimensions that grow and shrink with a dimension of the inputs
  /// Of those, by scored output, what is longer than the input's: steps in finer ones, or steps and features in one.
  std::vector<std::vector<int64_t>> longer;
  /// Sizes that the outputs' steps may have, where forward takes inputs of no other size, so that nothing is known.
  std::vector<int64_t> unknown;
};

/// Runs the model on shorter inputs, each dimension but the samples' in turn (in a stream it is known that the first
/// one of the first input is time), and on inputs whose last step is another where it takes no shorter ones: outputs that move at
/// their last place alone follow that dimension.
Following findFollowing(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                        const std::vector<NamedOutput>& baseline, const Batch& batch, const GivenDims& given = {});

/// What is known of the dimensions of each scored output. The classes are what is left when samples and steps are known.
std::vector<OutputDims> nameDims(const std::vector<NamedOutput>& scored, const Batch& batch, const Following& following,
                                 const GivenDims& given = {});

}  // namespace heft
