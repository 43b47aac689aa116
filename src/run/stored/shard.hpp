#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "run/stored/checkpoint.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// One part of a ranking that several processes share. Its folder holds a checkpoint with what this part measured and
/// shard.json, which says what it is a part of; it is no run, and `heft merge` makes one of all parts.
struct Shard {
  std::int64_t index = 1;  ///< 1 … count; 0: the estimates that all parts may begin with (then count is 0 as well)
  std::int64_t count = 1;

  static constexpr std::int64_t most = 1'000'000;

  /// Reads "3/7". Throws Error(Fault::usage).
  static Shard parse(std::string_view text);
  /// "3/7"; of the estimates "estimates".
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool estimates() const { return count == 0; }
  [[nodiscard]] bool operator==(const Shard&) const = default;

  /// Whether this part does the piece of work at this place of a list. Of each `count` pieces in a row every part gets one, so
  /// that all get the same share of every parameter, whose weights cost alike; which one changes from row to row as if by
  /// chance, so that no part is left with one column of a matrix. The estimates' part does nothing of it.
  [[nodiscard]] bool does(std::uint64_t place) const;
};

/// What shard.json says.
struct ShardRecord {
  Shard shard;
  Checkpoint::Identity identity;  ///< all that results depend on
  RankSettings settings;
  Provenance provenance;
  std::vector<std::string> feature_names;
  Cost cost;                       ///< of all processes that worked on it, but for those that were killed
  std::vector<std::string> notes;  ///< sentences that the reader of the run should know
  bool finished = false;
  std::string stage;         ///< what it does now
  double share = 0;          ///< of the stage, 0 to 1
  double stage_seconds = 0;  ///< spent in the stage
  std::int64_t updated = 0;  ///< when this was written: seconds since 1970
};

inline constexpr const char* shardFile = "shard.json";

/// Adds what measuring took, times and variants, to what parts or processes before took. Adjoints and probes are those of each
/// and don't add up.
void addMeasuring(Cost& to, const Cost& more);

[[nodiscard]] bool isShard(const std::filesystem::path& folder);
/// Writes FOLDER/shard.json, whole or not at all, with the present time. Throws Error(Fault::output).
void writeShard(const ShardRecord& record, const std::filesystem::path& folder);
/// Throws Error(Fault::output) where the folder is no shard or its file is damaged.
[[nodiscard]] ShardRecord readShard(const std::filesystem::path& folder);
/// Why FOLDER/shard.json can't be made out at all; nothing where it is whole, or of a version that this heft doesn't know.
[[nodiscard]] std::optional<std::string> shardDamage(const std::filesystem::path& folder);

/// A shard and where it lies.
struct FoundShard {
  std::filesystem::path folder;
  ShardRecord record;
};

/// The parts (as in "3/7") that are missing or unfinished among these, which must be parts of one ranking. Throws
/// Error(Fault::output) that says which two don't fit together and why: other models, inputs, settings or versions, another
/// number of parts, the same part twice.
[[nodiscard]] std::vector<std::string> missingShards(const std::vector<FoundShard>& shards);

}  // namespace heft
