#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heft/error.hpp"
#include "run/stored/json_reader.hpp"
#include "run/stored/json_text.hpp"

// A struct that Heft stores names its members once, with what a file may hold in their place:
//
//     template <class Archive>
//     void fields(Archive& archive, Stored<Archive, OutputGroup>& group) {
//       archive("name", group.name);
//       archive("samples", group.samples, Whole{0});
//     }
//
// Two archives go over such a list. FieldWriter makes JSON of the members in that order, FieldReader sets them from JSON that
// nobody vouches for. So what is written is read back, and the other way round.

namespace heft {

/// The struct as fields() takes it: a writer leaves it alone.
template <class Archive, class Value>
using Stored = std::conditional_t<Archive::writes, const Value, Value>;

/// What a whole number may be. A signed one doesn't compile without it; an unsigned one may then have all its 64 bits.
struct Whole {
  std::int64_t least = 0;
  std::int64_t most = JsonReader::anyWhole;
};

/// Values that are stored as a text, as a method is by its name: toText() writes it, fromText() reads it and throws
/// Error(Fault::usage) where the text says nothing.
template <class Value>
concept StoredAsText = requires(const Value& value, Value& read, std::string_view text) {
  { toText(value) } -> std::convertible_to<std::string>;
  fromText(text, read);
};

class FieldWriter {
 public:
  static constexpr bool writes = true;

  /// A field. `rule` is for the reader: of a whole number its Whole, or a function that gives one; of a struct what its
  /// fields() takes further. That of a list is each item's.
  template <class Value, class... Rule>
  void operator()(const char* key, const Value& value, const Rule&... rule) {
    object_[key] = json(value, rule...);
  }

  /// A field that files of earlier versions don't have: then the member keeps its default.
  template <class Value, class... Rule>
  void optional(const char* key, const Value& value, const Rule&... rule) {
    (*this)(key, value, rule...);
  }

  /// A field for people and other programs, which follows from the others: it is not read.
  template <class Value>
  void derived(const char* key, const Value& value) {
    object_[key] = json(value);
  }

  /// A field that is the same in every file of a kind.
  void constant(const char* key, std::string_view text) { object_[key] = text; }

  /// The version that is written, and the only one read; `refuse` is told another one, and throws.
  template <class Refuse>
  void version(const char* key, std::int64_t version, const Refuse& /*refuse*/) {
    object_[key] = version;
  }

  /// Where a field stands that is named later since its rule hangs on fields behind it.
  void keepPlace(const char* key) { object_[key] = nullptr; }

  /// What must hold of a field that was named before; `text` says what is wrong with it otherwise.
  void check(const char* /*key*/, bool /*holds*/, const std::string& /*text*/) {}

  /// How long a list is that is named later.
  template <class Value>
  [[nodiscard]] std::int64_t length(const char* /*key*/, const std::vector<Value>& list) const {
    return static_cast<std::int64_t>(list.size());
  }

  [[nodiscard]] nlohmann::ordered_json take() { return std::move(object_); }

  static nlohmann::ordered_json json(double value) { return exactNumber(value); }

  template <class Value, class... Rule>
  static nlohmann::ordered_json json(const Value& value, const Rule&... rule) {
    if constexpr (std::integral<Value> || std::same_as<Value, std::string>) {
      return nlohmann::ordered_json(value);
    } else if constexpr (StoredAsText<Value>) {
      return nlohmann::ordered_json(std::string(toText(value)));
    } else {
      FieldWriter writer;
      fields(writer, value, rule...);
      return writer.take();
    }
  }

  template <class Value, class... Rule>
  static nlohmann::ordered_json json(const std::vector<Value>& values, const Rule&... rule) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Value& value : values) list.push_back(json(value, rule...));
    return list;
  }

  template <class Value, class... Rule>
  static nlohmann::ordered_json json(const std::map<std::string, Value>& values, const Rule&... rule) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [key, value] : values) object[key] = json(value, rule...);
    return object;
  }

  template <class Value, class... Rule>
  static nlohmann::ordered_json json(const std::optional<Value>& value, const Rule&... rule) {
    return value ? json(*value, rule...) : nlohmann::ordered_json();
  }

 private:
  nlohmann::ordered_json object_ = nlohmann::ordered_json::object();
};

/// Reads what FieldWriter wrote, member by member. Throws Error(Fault::output) that names the field.
class FieldReader {
 public:
  static constexpr bool writes = false;

  explicit FieldReader(JsonReader from) : from_(std::move(from)) {}

  template <class Value, class... Rule>
  void operator()(const char* key, Value& value, const Rule&... rule) const {
    read(from_.at(key), value, rule...);
  }

  template <class Value, class... Rule>
  void optional(const char* key, Value& value, const Rule&... rule) const {
    if (from_.has(key)) read(from_.at(key), value, rule...);
  }

  template <class Value>
  void derived(const char* /*key*/, const Value& /*value*/) const {}

  void constant(const char* key, std::string_view text) const {
    check(key, from_.at(key).text() == text, "is not \"" + std::string(text) + "\"");
  }

  template <class Refuse>
  void version(const char* key, std::int64_t version, const Refuse& refuse) const {
    const JsonReader place = from_.at(key);
    if (const std::int64_t found = place.whole(0); found != version) refuse(place, found);
  }

  void keepPlace(const char* /*key*/) const {}

  void check(const char* key, bool holds, const std::string& text) const {
    if (!holds) from_.at(key).fail(text);
  }

  template <class Value>
  [[nodiscard]] std::int64_t length(const char* key, const std::vector<Value>& /*list*/) const {
    return static_cast<std::int64_t>(from_.at(key).items().size());
  }

  static void read(const JsonReader& from, std::string& value) { value = from.text(); }
  static void read(const JsonReader& from, bool& value) { value = from.flag(); }
  static void read(const JsonReader& from, double& value) { value = from.number(); }
  static void read(const JsonReader& from, std::uint64_t& value) { value = from.natural(); }

  template <std::integral Value>
  static void read(const JsonReader& from, Value& value, const Whole& whole) {
    value = static_cast<Value>(from.whole(whole.least, whole.most));
  }

  template <std::integral Value, std::invocable Rule>
  static void read(const JsonReader& from, Value& value, const Rule& rule) {
    read(from, value, rule());
  }

  /// An unknown name is damage here, not a wrong argument.
  template <StoredAsText Value>
  static void read(const JsonReader& from, Value& value) {
    try {
      fromText(from.text(), value);
    } catch (const Error& error) {
      if (error.fault() != Fault::usage) throw;
      from.fail("has an unknown value (" + std::string(error.what()) + ")");
    }
  }

  template <class Value, class... Rule>
  static void read(const JsonReader& from, std::vector<Value>& values, const Rule&... rule) {
    values.clear();
    for (const JsonReader& each : from.items()) read(each, values.emplace_back(), rule...);
  }

  template <class Value, class... Rule>
  static void read(const JsonReader& from, std::map<std::string, Value>& values, const Rule&... rule) {
    values.clear();
    for (const auto& [key, each] : from.fields()) read(each, values[key], rule...);
  }

  template <class Value, class... Rule>
  static void read(const JsonReader& from, std::optional<Value>& value, const Rule&... rule) {
    value.reset();
    if (!from.isNull()) read(from, value.emplace(), rule...);
  }

  template <class Value, class... Rule>
  requires(std::is_class_v<Value> && !StoredAsText<Value>) static void read(const JsonReader& from, Value& value,
                                                                            const Rule&... rule) {
    FieldReader reader(from);
    fields(reader, value, rule...);
  }

 private:
  JsonReader from_;
};

/// A struct's object, as fields() lists it.
template <class Value>
[[nodiscard]] nlohmann::ordered_json storedJson(const Value& value) {
  return FieldWriter::json(value);
}

/// Throws Error(Fault::output).
template <class Value>
[[nodiscard]] Value readStored(const JsonReader& from) {
  Value value;
  FieldReader::read(from, value);
  return value;
}

}  // namespace heft
