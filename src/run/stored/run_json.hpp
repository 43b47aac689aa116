#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "run/stored/json_reader.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// What run.json holds: all of a run but the impacts of single weights, which stand in safetensors files.
/// Fields have the names of struct Run's; NaN is null, infinity the text "infinity".
[[nodiscard]] nlohmann::ordered_json runJson(const Run& run);

[[nodiscard]] nlohmann::ordered_json settingsJson(const RankSettings& settings);
[[nodiscard]] nlohmann::ordered_json provenanceJson(const Provenance& provenance);
[[nodiscard]] nlohmann::ordered_json settledJson(const std::optional<SettledFacts>& settled);
[[nodiscard]] nlohmann::ordered_json costJson(const Cost& cost);
[[nodiscard]] nlohmann::ordered_json outputJson(const OutputFacts& output);

/// Read what the functions above wrote. Throw Error(Fault::output).
[[nodiscard]] RankSettings readSettingsJson(const JsonReader& from);
[[nodiscard]] Provenance readProvenanceJson(const JsonReader& from);
[[nodiscard]] Cost readCostJson(const JsonReader& from);

/// Reads run.json, leaving `impacts` empty. Whatever the file holds, the indices in the result are in range
/// and every shape's size in bytes as float64 fits into 63 bits. Throws Error(Fault::output) where it is
/// damaged or of another format version.
[[nodiscard]] Run readRunJson(const std::filesystem::path& file);

}  // namespace heft
