#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace heft {

/// Values as Heft's JSON files hold them: null for "undefined" and for infinity, since JSON knows neither.
[[nodiscard]] nlohmann::ordered_json finiteOrNull(double value);
[[nodiscard]] nlohmann::ordered_json finiteOrNull(float value);  ///< 0.1f is written as 0.1
[[nodiscard]] nlohmann::ordered_json finiteOrNull(const std::optional<double>& value);

/// As finiteOrNull, but infinity is the text "infinity" or "-infinity": for values that are read back.
[[nodiscard]] nlohmann::ordered_json exactNumber(double value);

/// The document over several lines; objects in a list (parameters, components) take one line each. Bytes that
/// are no UTF-8, as file names may have them, are replaced.
[[nodiscard]] std::string jsonText(const nlohmann::ordered_json& document);

}  // namespace heft
