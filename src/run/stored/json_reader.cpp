#include "run/stored/json_reader.hpp"

#include "data/input_file.hpp"
#include "data/printable.hpp"
#include "heft/error.hpp"
#include "run/stored/sealed_json.hpp"

namespace heft {

using nlohmann::json;

namespace {

constexpr std::uint64_t largestFile = std::uint64_t{1} << 30U;

}  // namespace

void JsonReader::fail(const std::string& text) const {
  throw Error(Fault::output, file_ + ": '" + printable(place_) + "' " + text + "; the file is damaged");
}

JsonReader JsonReader::at(const char* key) const {
  if (!value_->is_object()) fail("is no object");
  const std::string place = place_.empty() ? key : place_ + "." + key;
  const auto found = value_->find(key);
  if (found == value_->end()) JsonReader(*value_, file_, place).fail("is missing");
  return {*found, file_, place};
}

bool JsonReader::has(const char* key) const { return value_->is_object() && value_->contains(key); }

std::vector<JsonReader> JsonReader::items() const {
  if (!value_->is_array()) fail("is no list");
  std::vector<JsonReader> result;
  result.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    result.emplace_back((*value_)[i], file_, place_ + "[" + std::to_string(i) + "]");
  return result;
}

std::vector<std::pair<std::string, JsonReader>> JsonReader::fields() const {
  if (!value_->is_object()) fail("is no object");
  std::vector<std::pair<std::string, JsonReader>> result;
  for (const auto& [key, value] : value_->items())
    result.emplace_back(key, JsonReader(value, file_, place_ + "." + key));
  return result;
}

std::vector<std::string> JsonReader::texts() const {
  std::vector<std::string> result;
  for (const JsonReader& item : items()) result.push_back(item.text());
  return result;
}

std::string JsonReader::text() const {
  if (!value_->is_string()) fail("is no text");
  return value_->get<std::string>();
}

bool JsonReader::flag() const {
  if (!value_->is_boolean()) fail("is neither true nor false");
  return value_->get<bool>();
}

std::int64_t JsonReader::whole(std::int64_t least, std::int64_t most) const {
  const bool fits =
      value_->is_number_integer() &&
      (!value_->is_number_unsigned() || value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(anyWhole)) &&
      value_->get<std::int64_t>() >= least && value_->get<std::int64_t>() <= most;
  if (!fits) {
    fail("is no whole number from " + std::to_string(least) +
         (most == anyWhole ? " on" : " to " + std::to_string(most)));
  }
  return value_->get<std::int64_t>();
}

std::uint64_t JsonReader::natural() const {
  if (!value_->is_number_unsigned()) fail("is no whole number from 0 on");
  return value_->get<std::uint64_t>();
}

double JsonReader::number() const {
  if (value_->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value_->is_number()) return value_->get<double>();
  if (value_->is_string()) {
    const auto& text = value_->get_ref<const std::string&>();
    if (text == "infinity") return std::numeric_limits<double>::infinity();
    if (text == "-infinity") return -std::numeric_limits<double>::infinity();
  }
  fail("is no number");
}

json readJsonFile(const std::filesystem::path& path) {
  const InputFile file = InputFile::open(path, Fault::output);
  if (file.size() > largestFile) file.fail("is larger than such a file can be; it is damaged");
  const std::vector<std::byte> bytes = file.read(0, file.size(), "the JSON text");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  json document;
  try {
    document = json::parse(text);
  } catch (const json::parse_error& error) {
    file.fail("is not valid JSON at its byte " + std::to_string(error.byte) + "; the file is damaged");
  } catch (const json::exception&) {
    file.fail("holds a number out of range; the file is damaged");
  }
  if (!document.is_object()) file.fail("is not a JSON object; the file is damaged");
  if (!sealHolds(document))
    file.fail("does not match its SHA-256; the file is damaged (if you changed it yourself, take its \"sha256\" out)");
  return document;
}

}  // namespace heft
