#pragma once

#include "measure/session/session.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// What a session was made from and on, and when: hashes, versions, machine. `threads` 0: as many as LibTorch takes.
[[nodiscard]] Provenance provenanceOf(const Session& session, int threads);

}  // namespace heft
