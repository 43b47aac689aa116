#pragma once

#include "heft/model_options.hpp"
#include "heft/rank.hpp"
#include "measure/session/session.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// The settings that the words of the options stand for. Throws Error(Fault::usage) for words that mean nothing.
[[nodiscard]] RankSettings settingsOf(const RankOptions& options);

/// What a session is to load, on the one device that is named. Throws Error(Fault::usage) for a device that isn't there.
[[nodiscard]] SessionOptions sessionOf(const ModelOptions& options);

/// The same for a ranking, which several devices may execute and whose seed and precision have a part in how the model runs.
[[nodiscard]] SessionOptions sessionOf(const RankOptions& options);

}  // namespace heft
