#pragma once

#include "measure/method.hpp"

namespace heft {

/// Everything that a ranking's results depend on, each by its text or hash: what a resumed run must share.
Checkpoint::Identity identityOf(const RankSettings& settings, const Provenance& provenance);

/// Numbers a weight's row in the checkpoint has under these settings.
std::size_t checkpointColumns(const RankSettings& settings);

/// Measures and ranks: the whole of `heft rank` but for files and terminal. `provenance` is put into the run as it is.
/// Throws Error: usage, input or unsupported for settings that don't fit the model; what `progress` throws.
Run rankWeights(Session& session, const RankSettings& settings, const Provenance& provenance, Checkpoint& checkpoint,
                const StageProgress& progress);

/// What a session's outputs are, for the run.
OutputFacts outputFacts(const Session& session);

/// The metrics' requirements and the settings' ranges, checked before anything long begins. Throws Error(Fault::usage).
void checkSettings(const Session& session, const RankSettings& settings);

}  // namespace heft
