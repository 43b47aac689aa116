#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "cli/command.hpp"
#include "run/stored/settings.hpp"
#include "run/stored/shard.hpp"

namespace heft::cli {

/// Options of `heft rank` that make it do a part of a ranking.
struct ShardOptions {
  std::string shard, estimates;
  bool estimates_only = false;

  [[nodiscard]] bool any() const { return estimates_only || !shard.empty() || !estimates.empty(); }
};

/// Adds --shard, --estimates-only, --estimates.
void addShardOptions(CLI::App& command, ShardOptions& options);

/// Which part the options name; "auto" is the one that Slurm's array job gives this process. Throws Error(Fault::usage).
Shard shardOf(const ShardOptions& options, Method method);

/// Prints that the part in `folder` is finished.
void reportShard(const Context& context, const ShardRecord& record, const std::filesystem::path& folder);

}  // namespace heft::cli
