#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/ranked.hpp"
#include "measure/session/session.hpp"
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

/// A part of a ranking, as `heft rank --shard` does it.
struct ShardTask {
  Shard shard;
  std::filesystem::path folder;     ///< that this process holds
  std::filesystem::path estimates;  ///< the folder of --estimates; empty: none
  std::vector<std::string> feature_names;
  std::string resume_command;
};

/// Measures it into its folder. Throws Error as rankWeights(); Fault::output for folders that don't fit.
int runShard(Session& session, const RankSettings& settings, const Provenance& provenance, const ShardTask& task,
             UndoUnlessKept& undo, const Context& context);

}  // namespace heft::cli
