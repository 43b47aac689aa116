#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "measure/removal.hpp"

namespace heft {

/// Puts the sections into comparison.json of a run folder, in the place of those of the same names; what else it holds
/// stays. Throws Error(Fault::output) where it can't be written.
void addToComparison(const std::filesystem::path& folder, const nlohmann::ordered_json& sections);

/// curves.csv: criterion, kind, share, change, loss, accuracy.
void writeCurves(const std::filesystem::path& file, std::span<const RemovalCurve> curves);

}  // namespace heft
