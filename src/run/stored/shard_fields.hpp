#pragma once

#include <cstdint>
#include <string>

#include "run/stored/json_fields.hpp"
#include "run/stored/run_fields.hpp"
#include "run/stored/shard.hpp"

// What shard.json holds of a part of a ranking.

namespace heft {

inline constexpr const char* shardFormat = "heft-shard";
inline constexpr std::int64_t shardFormatVersion = 1;

template <class Archive>
void fields(Archive& archive, Stored<Archive, ShardRecord>& record) {
  archive.constant("format", shardFormat);
  archive.version("format_version", shardFormatVersion, [](const JsonReader& place, std::int64_t /*found*/) {
    place.fail("is not " + std::to_string(shardFormatVersion) + ", which this heft reads");
  });
  archive.keepPlace("shard");
  archive("of", record.shard.count, Whole{0, Shard::most});
  archive("shard", record.shard.index, Whole{record.shard.count > 0 ? 1 : 0, record.shard.count});
  archive("finished", record.finished);
  archive("stage", record.stage);
  archive("share", record.share);
  archive("stage_seconds", record.stage_seconds);
  archive("updated", record.updated, Whole{0});
  archive("identity", record.identity);
  archive("settings", record.settings);
  archive("provenance", record.provenance);
  archive("feature_names", record.feature_names);
  archive("notes", record.notes);
  archive("cost", record.cost);
}

}  // namespace heft
