#include "run/stored/json_text.hpp"

#include <charconv>
#include <cmath>

namespace heft {
namespace {

using nlohmann::ordered_json;

std::string oneLine(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void append(std::string& text, const ordered_json& value, const std::string& indent) {
  const std::string inner = indent + "  ";
  const bool records = value.is_array() && !value.empty() && value.front().is_object();
  if (!records && (!value.is_object() || value.empty())) {
    text += oneLine(value);
    return;
  }
  text += records ? "[" : "{";
  bool first = true;
  for (const auto& [key, each] : value.items()) {
    text += (first ? "\n" : ",\n") + inner;
    first = false;
    if (records) {
      text += oneLine(each);
    } else {
      text += oneLine(key) + ": ";
      append(text, each, inner);
    }
  }
  text += "\n" + indent + (records ? "]" : "}");
}

}  // namespace

ordered_json finiteOrNull(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(); }

ordered_json finiteOrNull(float value) {
  if (!std::isfinite(value)) return {};
  char digits[32];
  const char* const end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  double shortest = 0;
  std::from_chars(digits, end, shortest);
  return shortest;
}

ordered_json finiteOrNull(const std::optional<double>& value) { return value ? finiteOrNull(*value) : ordered_json(); }

ordered_json exactNumber(double value) {
  if (std::isinf(value)) return value > 0 ? "infinity" : "-infinity";
  return finiteOrNull(value);
}

std::string jsonText(const ordered_json& document) {
  std::string text;
  append(text, document, "");
  return text + "\n";
}

}  // namespace heft
