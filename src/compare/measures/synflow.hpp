#pragma once

#include "compare/measures/weight_criteria.hpp"

namespace heft {

class Session;

/// SynFlow (Tanaka, Kunin, Yamins, Ganguli, NeurIPS 2020, eq. 2): |w| |dR/d|w||, with R the sum of all scored outputs of the model
/// whose weights are |w|, run on ones in place of every number that it is given. No input of its own has a part in it.
///
/// The paper takes activations for linear on the positive side, as ReLU is. Here they are the model's, so that saturated gates
/// pass little on. A parameter that no output depends on scores 0, one without float values NaN. Throws NoEstimate where the
/// outputs have no derivative.
[[nodiscard]] WeightScores synflowScores(Session& session);

}  // namespace heft
