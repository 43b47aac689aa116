#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "compare/measures/removal.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Puts the sections into comparison.json of the run's folder, in the place of those of the same names; what else it holds
/// stays. False where that was damaged: then it holds these sections and what follows from the run, and what else there was has to
/// be compared again. Throws Error(Fault::output) where it can't be written.
bool addToComparison(const std::filesystem::path& folder, const Run& run, const nlohmann::ordered_json& sections);

/// curves.csv: criterion, kind, share, change, loss, accuracy.
void writeCurves(const std::filesystem::path& file, std::span<const RemovalCurve> curves);

}  // namespace heft
