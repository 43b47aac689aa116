#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "run/stored/run.hpp"

namespace heft {

/// What run.json holds: all of a run but the impacts of single weights, which stand in safetensors files.
/// Fields have the names of struct Run's, as run_fields.hpp lists them; NaN is null, infinity the text "infinity".
[[nodiscard]] nlohmann::ordered_json runJson(const Run& run);

[[nodiscard]] nlohmann::ordered_json settingsJson(const RankSettings& settings);
[[nodiscard]] nlohmann::ordered_json settledJson(const std::optional<SettledFacts>& settled);
[[nodiscard]] nlohmann::ordered_json costJson(const Cost& cost);
[[nodiscard]] nlohmann::ordered_json outputJson(const OutputFacts& output);

/// Reads run.json, leaving `impacts` empty. Whatever the file holds, the indices in the result are in range
/// and every shape's size in bytes as float64 fits into 63 bits. Throws Error(Fault::output) where it is
/// damaged or of another format version.
[[nodiscard]] Run readRunJson(const std::filesystem::path& file);

}  // namespace heft
