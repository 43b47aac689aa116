#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/execute/executor.hpp"
#include "measure/rank/measurer.hpp"
#include "measure/session/session.hpp"
#include "measure/weights/flat_weights.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// What executes a ranking's variants, on all devices of the session: the plain loop for the method reference, else many at once.
/// Loads the model once more for each other device; throws what Session throws.
std::unique_ptr<Executor> rankingExecutor(Session& session, const RankSettings& settings);

/// Weights all over every parameter that is ranked, to prepare the executor on (Measurer::prepareOn): enough that it sees how it
/// fares with them, few enough to cost little.
std::vector<std::uint64_t> executorProbes(const Measurer& measurer, const SelectedWeights& selected);

}  // namespace heft
