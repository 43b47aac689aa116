#include "cli/shard_options.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>

#include "heft/error.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

/// A whole number that Slurm put into the environment.
std::int64_t fromSlurm(const char* name) {
  const char* value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    throw Error(Fault::usage, "--shard auto: " + std::string(name) +
                                  (text.empty() ? " is not set" : "=" + text + " is no number") +
                                  "; start it in an array job (sbatch --array=1-N), or name the part: --shard I/N");
  }
  return number;
}

Shard shardFromSlurm() {
  const auto id = fromSlurm("SLURM_ARRAY_TASK_ID"), first = fromSlurm("SLURM_ARRAY_TASK_MIN"),
             count = fromSlurm("SLURM_ARRAY_TASK_COUNT");
  if (id < first || id - first >= count) {
    throw Error(Fault::usage, "--shard auto: the array job's " + std::to_string(count) + " tasks from " +
                                  std::to_string(first) + " on have gaps (this one is " + std::to_string(id) +
                                  "); number them without: sbatch --array=1-N");
  }
  return Shard::parse(std::to_string(id - first + 1) + "/" + std::to_string(count));
}

}  // namespace

void addShardOptions(CLI::App& command, ShardOptions& options) {
  command
      .add_option("--shard", options.shard,
                  "Do part I of N alone, as in 3/7; auto: the one that Slurm's array job gives. heft merge joins them")
      ->type_name("I/N");
  command.add_flag("--estimates-only", options.estimates_only,
                   "Methods auto and response: make the estimates alone, for all shards to begin with");
  command.add_option("--estimates", options.estimates, "Begin this shard with what --estimates-only wrote")
      ->type_name("DIR");
}

Shard shardOf(const ShardOptions& options, Method method) {
  if ((options.estimates_only || !options.estimates.empty()) && executesAll(method))
    throw Error(Fault::usage, "--estimates: the method " + std::string(name(method)) +
                                  " executes everything and estimates nothing; leave it out");
  if (options.estimates_only) {
    if (!options.shard.empty() || !options.estimates.empty())
      throw Error(Fault::usage, "--estimates-only: is no shard; leave --shard and --estimates out");
    return {0, 0};
  }
  if (options.shard.empty()) throw Error(Fault::usage, "--estimates: a shard begins with them; add --shard I/N");
  return options.shard == "auto" ? shardFromSlurm() : Shard::parse(options.shard);
}

void reportShard(const Context& context, const ShardRecord& record, const std::filesystem::path& folder) {
  if (context.json) {
    std::cout << jsonText({{"shard", record.shard.text()},
                           {"folder", folder.string()},
                           {"finished", record.finished},
                           {"variants", record.cost.variants},
                           {"seconds", finiteOrNull(record.cost.seconds)}})
              << '\n';
    return;
  }
  if (record.shard.estimates()) {
    std::cout << "estimates finished: " << folder.string()
              << "  (shards begin with them: heft rank ... --shard I/N --estimates " << folder.string() << ")\n";
    return;
  }
  std::cout << "shard " << record.shard.text() << " finished: " << folder.string()
            << "  (heft merge joins all of them)\n";
}

}  // namespace heft::cli
