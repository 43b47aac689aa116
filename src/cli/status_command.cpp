#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "data/words.hpp"
#include "run/stored/json_text.hpp"
#include "run/stored/shard.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::vector<std::string> shards;
};

constexpr auto kFooter = R"(Reads alone: whoever is measuring is not disturbed.

Examples:
  heft status parts/*
  watch heft status parts/*)";

/// A part that has not said a word for this long was stopped, or works on one very long step.
constexpr std::int64_t kSilent = 120;  // seconds

struct State {
  FoundShard shard;
  std::int64_t silent = 0;  ///< seconds since its last word
  double left = 0;          ///< seconds, of the stage it is in; NaN where that is not known yet

  [[nodiscard]] bool isSilent() const { return !shard.record.finished && silent > kSilent; }
};

State stateOf(const std::string& folder) {
  State state{{folder, readShard(folder)}};
  const auto& record = state.shard.record;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  state.silent =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now).count() - record.updated);
  if (!record.finished)
    state.left = record.share >= 0.01 ? record.stage_seconds * (1 - record.share) / record.share : std::nan("");
  return state;
}

std::string words(const State& state) {
  const auto& record = state.shard.record;
  if (record.finished) return "finished";
  auto text = record.stage;
  if (record.share > 0) text += " " + std::to_string(static_cast<int>(100 * record.share)) + " %";
  if (state.isSilent())
    return text + ", silent for " + duration(static_cast<double>(state.silent)) + " (stopped? run it with --resume)";
  return std::isnan(state.left) ? text : text + ", " + duration(state.left) + " left";
}

int status(const Options& options, const Context& context) {
  std::vector<State> states;
  std::vector<FoundShard> shards;
  for (const auto& folder : options.shards) {
    states.push_back(stateOf(folder));
    shards.push_back(states.back().shard);
  }
  // Folders of estimates alone are no division yet.
  const bool divided =
      std::any_of(shards.begin(), shards.end(), [](const auto& one) { return !one.record.shard.estimates(); });
  const auto missing = divided ? missingShards(shards) : std::vector<std::string>();
  double left = 0;
  std::size_t finished = 0;
  for (const auto& state : states) {
    finished += state.shard.record.finished ? 1 : 0;
    if (!state.shard.record.finished && !state.isSilent()) left = std::max(left, state.left);
  }
  if (context.json) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& state : states) {
      const auto& record = state.shard.record;
      list.push_back({{"folder", state.shard.folder.string()},
                      {"shard", record.shard.text()},
                      {"finished", record.finished},
                      {"stage", record.stage},
                      {"share", finiteOrNull(record.share)},
                      {"seconds_left", finiteOrNull(state.left)},
                      {"seconds_silent", state.silent}});
    }
    std::cout << jsonText({{"shards", list},
                           {"finished", missing.empty()},
                           {"missing_or_unfinished", missing},
                           {"seconds_left", finiteOrNull(left)}})
              << '\n';
    return 0;
  }
  Table table("lll");
  for (const auto& state : states)
    table.row({state.shard.record.shard.text(), state.shard.folder.string(), words(state)});
  std::cout << table.text(0);
  std::cout << finished << " of " << counted(states.size(), "folder") << " finished";
  if (left > 0) std::cout << ", " << duration(left) << " left";
  std::cout << "; " << (missing.empty() ? "heft merge can join them" : counted(missing.size(), "part") + " to wait for")
            << '\n';
  return 0;
}

}  // namespace

Action addStatus(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("status", "Say how far the parts of a ranking are");
  command->footer(kFooter);
  command->add_option("DIR", options->shards, "Folders of the parts")->required()->type_name("DIR...");
  return [options](const Context& context) { return status(*options, context); };
}

}  // namespace heft::cli
