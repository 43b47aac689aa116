#include "run/stored/sealed_json.hpp"

#include "data/atomic_file.hpp"
#include "data/hash.hpp"
#include "run/stored/json_text.hpp"

namespace heft {
namespace {

constexpr const char* seal = "sha256";

/// Of the values, not the text: spaces and the order of fields may change.
std::string sealOf(const nlohmann::json& document) {
  return sha256Text(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void writeSealedJson(const std::filesystem::path& path, nlohmann::ordered_json document) {
  document.erase(seal);
  // As a reader will find it: what is no UTF-8 has been replaced by then.
  document[seal] = sealOf(nlohmann::json::parse(jsonText(document)));
  writeFile(path, jsonText(document));
}

bool sealHolds(const nlohmann::json& document) {
  const auto found = document.find(seal);
  if (found == document.end()) return true;
  nlohmann::json rest = document;
  rest.erase(seal);
  return *found == sealOf(rest);
}

}  // namespace heft
