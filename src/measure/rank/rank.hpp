#pragma once

#include "measure/rank/method.hpp"
#include "run/stored/shard.hpp"

namespace heft {

/// Everything that a ranking's results depend on, each by its text or hash: what a resumed run must share.
Checkpoint::Identity identityOf(const RankSettings& settings, const Provenance& provenance);

/// Numbers a weight's row in the checkpoint has under these settings.
std::size_t checkpointColumns(const RankSettings& settings);

/// Measures and ranks: the whole of `heft rank` but for files and terminal. `provenance` is put into the run as it is.
/// `known_only`: as MethodTask's. Throws Error: usage, input or unsupported for settings that don't fit the model; what
/// `progress` throws.
Run rankWeights(Session& session, const RankSettings& settings, const Provenance& provenance, Checkpoint& checkpoint,
                const StageProgress& progress, bool known_only = false);

/// Measures a shard's part of the same ranking into the checkpoint; rankWeights() with the checkpoints of all parts then gives
/// the run that it gives alone, bit for bit. Returns the notes and the cost of what was done here. Throws as rankWeights().
Run measureShard(Session& session, const RankSettings& settings, const Provenance& provenance, const Shard& shard,
                 Checkpoint& checkpoint, const StageProgress& progress);

/// What a session's outputs are, for the run.
OutputFacts outputFacts(const Session& session);

/// The metrics' requirements and the settings' ranges, checked before anything long begins. Throws Error(Fault::usage).
void checkSettings(const Session& session, const RankSettings& settings);

}  // namespace heft
