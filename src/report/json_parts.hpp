#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

// Parts of a JSON document that nobody vouches for, taken over with their form checked and their size bounded. What is not
// of the form throws nlohmann::json::exception.

namespace heft {

/// Any finite number, five digits; null for everything else.
[[nodiscard]] nlohmann::ordered_json numberOrNull(const nlohmann::json& object, const char* key);
[[nodiscard]] double numberOr(const nlohmann::json& object, const char* key, double other);
[[nodiscard]] std::string textOr(const nlohmann::json& object, const char* key, const std::string& other);
/// A list of numbers, null where an item is none; at most `most`.
[[nodiscard]] nlohmann::ordered_json numbers(const nlohmann::json& list, std::size_t most);
/// A list of texts; at most `most`.
[[nodiscard]] std::vector<std::string> texts(const nlohmann::json& list, std::size_t most);
/// A list of objects with these fields, each a number, a text, a flag, or null where there is none; at most `most`.
[[nodiscard]] nlohmann::ordered_json records(const nlohmann::json& list, const std::vector<std::string>& keys,
                                             std::size_t most);

}  // namespace heft
