#include "report/json_parts.hpp"

#include <algorithm>
#include <cmath>

#include "report/answer.hpp"

namespace heft {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json numberOrNull(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? rounded(found->get<double>()) : ordered_json();
}

double numberOr(const json& object, const char* key, double other) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : other;
}

std::string textOr(const json& object, const char* key, const std::string& other) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : other;
}

ordered_json numbers(const json& list, std::size_t most) {
  ordered_json result = ordered_json::array();
  for (const json& each : list) {
    if (result.size() == most) break;
    result.push_back(each.is_number() ? rounded(each.get<double>()) : ordered_json());
  }
  return result;
}

std::vector<std::string> texts(const json& list, std::size_t most) {
  std::vector<std::string> result;
  for (const json& each : list) {
    if (result.size() == most) break;
    result.push_back(each.get<std::string>());
  }
  return result;
}

ordered_json records(const json& list, const std::vector<std::string>& keys, std::size_t most) {
  ordered_json result = ordered_json::array();
  for (const json& each : list) {
    if (result.size() == most) break;
    ordered_json row;
    for (const std::string& key : keys) {
      const json value = each.is_object() && each.contains(key) ? each.at(key) : json();
      if (value.is_number_float())
        row[key] = rounded(value.get<double>());
      else
        row[key] = value.is_primitive() ? ordered_json(value) : ordered_json();
    }
    result.push_back(std::move(row));
  }
  return result;
}

}  // namespace heft
