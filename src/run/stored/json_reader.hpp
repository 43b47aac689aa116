#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heft {

/// A value of a JSON file that nobody vouches for. Every access checks what is there; what doesn't fit is
/// Error(Fault::output) in one line with the file, the place in it ("settings.alpha") and what was expected.
class JsonReader {
 public:
  static constexpr std::int64_t anyWhole = std::numeric_limits<std::int64_t>::max();

  /// `value` must outlive this.
  JsonReader(const nlohmann::json& value, std::string file, std::string place = "")
      : value_(&value), file_(std::move(file)), place_(std::move(place)) {}

  [[nodiscard]] JsonReader at(const char* key) const;
  [[nodiscard]] bool has(const char* key) const;
  [[nodiscard]] std::vector<JsonReader> items() const;                           ///< of a list
  [[nodiscard]] std::vector<std::pair<std::string, JsonReader>> fields() const;  ///< of an object
  [[nodiscard]] std::vector<std::string> texts() const;                          ///< of a list of texts

  [[nodiscard]] bool isNull() const { return value_->is_null(); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::int64_t whole(std::int64_t least, std::int64_t most = anyWhole) const;
  [[nodiscard]] std::uint64_t natural() const;
  [[nodiscard]] double number() const;  ///< as exactNumber writes it: null is NaN

  [[nodiscard]] const std::string& file() const { return file_; }

  /// Throws Error(Fault::output), "FILE: 'PLACE' TEXT; the file is damaged".
  [[noreturn]] void fail(const std::string& text) const;

 private:
  const nlohmann::json* value_;
  std::string file_;
  std::string place_;
};

/// Parses a whole file. Throws Error(Fault::output) where it can't be read, is no JSON object, is absurdly
/// large, or does not match the SHA-256 in it, where there is one.
[[nodiscard]] nlohmann::json readJsonFile(const std::filesystem::path& path);

}  // namespace heft
