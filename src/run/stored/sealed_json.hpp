#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace heft {

/// Writes a JSON file of the run folder, whole or not at all, with a SHA-256 of all the rest in its last field, "sha256".
/// readJsonFile() checks it. Throws Error(Fault::output).
void writeSealedJson(const std::filesystem::path& path, nlohmann::ordered_json document);

/// Whether the document is as it was written. Those of earlier versions, and those whose "sha256" somebody took out, have
/// nothing to be checked by and count as such.
[[nodiscard]] bool sealHolds(const nlohmann::json& document);

}  // namespace heft
