#include "run/stored/shard.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "run/stored/json_reader.hpp"
#include "run/stored/sealed_json.hpp"
#include "run/stored/shard_fields.hpp"

namespace heft {
namespace {

namespace fs = std::filesystem;

bool readWhole(std::string_view text, std::int64_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

/// Spreads numbers that follow each other.
std::uint64_t scattered(std::uint64_t number) { return (number * 0x9E3779B97F4A7C15U) >> 32U; }

[[noreturn]] void refuse(const fs::path& folder, const std::string& text) {
  throw Error(Fault::output, printablePath(folder) + ": " + text);
}

}  // namespace

Shard Shard::parse(std::string_view text) {
  Shard shard;
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || !readWhole(text.substr(0, slash), shard.index) ||
      !readWhole(text.substr(slash + 1), shard.count) || shard.index < 1 || shard.index > shard.count ||
      shard.count > most) {
    throw Error(Fault::usage, settingName("shard") + " " + printable(std::string(text)) +
                                  ": I/N with I from 1 to N was expected, as in 3/7, or auto in a Slurm array job");
  }
  return shard;
}

std::string Shard::text() const {
  return estimates() ? "estimates" : std::to_string(index) + "/" + std::to_string(count);
}

bool Shard::does(std::uint64_t place) const {
  if (estimates()) return false;
  const auto parts = static_cast<std::uint64_t>(count);
  const auto row = place / parts;
  return (place % parts + scattered(row)) % parts + 1 == static_cast<std::uint64_t>(index);
}

void addMeasuring(Cost& to, const Cost& more) {
  to.seconds += more.seconds;
  to.response_seconds += more.response_seconds;
  to.execute_seconds += more.execute_seconds;
  to.variants += more.variants;
}

bool isShard(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / shardFile, ignored);
}

void writeShard(const ShardRecord& record, const fs::path& folder) {
  ShardRecord written = record;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  written.updated = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now).count());
  writeSealedJson(folder / shardFile, storedJson(written));
}

ShardRecord readShard(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) refuse(folder, "there is no such folder");
  const fs::path file = folder / shardFile;
  if (!fs::exists(file, ignored)) {
    refuse(folder,
           "is no part of a ranking (it has no shard.json); name folders that 'heft rank --shard I/N -o DIR' wrote");
  }
  const nlohmann::json document = readJsonFile(file);
  return readStored<ShardRecord>(JsonReader(document, printablePath(file)));
}

std::optional<std::string> shardDamage(const fs::path& folder) {
  try {
    (void)readJsonFile(folder / shardFile);
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

std::vector<std::string> missingShards(const std::vector<FoundShard>& shards) {
  const FoundShard* first = nullptr;  // the first part with a number
  std::map<std::int64_t, const FoundShard*> found;
  for (const FoundShard& one : shards) {
    if (one.record.identity != shards[0].record.identity) {
      refuse(one.folder, "does not match in " +
                             describeDifferences(shards[0].record.identity, one.record.identity,
                                                 printablePath(shards[0].folder), "here") +
                             "; merge parts of one ranking");
    }
    if (one.record.shard.estimates()) continue;
    if (first == nullptr) first = &one;
    if (one.record.shard.count != first->record.shard.count) {
      refuse(one.folder, "is shard " + one.record.shard.text() + ", but " + printablePath(first->folder) +
                             " is shard " + first->record.shard.text() + "; merge parts of one division");
    }
    const auto [place, is_new] = found.emplace(one.record.shard.index, &one);
    if (!is_new) {
      refuse(one.folder, "is shard " + one.record.shard.text() + " once more, which " +
                             printablePath(place->second->folder) + " is already; name each part once");
    }
  }
  if (first == nullptr) throw Error(Fault::usage, "no shard was named; 'heft rank --shard I/N -o DIR' makes them");
  std::vector<std::string> missing;
  for (Shard shard{1, first->record.shard.count}; shard.index <= shard.count; ++shard.index) {
    const auto place = found.find(shard.index);
    if (place == found.end() || !place->second->record.finished) missing.push_back(shard.text());
  }
  return missing;
}

}  // namespace heft
