#include "measure/rank/shard_work.hpp"

#include <algorithm>

#include "analysis/settle.hpp"
#include "measure/rank/estimated.hpp"

namespace heft {
namespace {

constexpr auto kWork = "own weights";  // Checkpoint::ownPrefix

/// Estimates are off by some factor where nothing was measured yet: candidates down to this share of what is predicted to be the
/// threshold are executed, too, up to as many as the top has places, so that a weight whose estimate is too low by less is
/// already measured when it turns out to be a candidate.
constexpr double kMargin = 0.7;

void add(std::vector<std::size_t>& list, std::span<const std::size_t> more) {
  list.insert(list.end(), more.begin(), more.end());
}

/// What settle() asks for where estimates stand in for what nobody has measured yet, and a margin below it, as numbers of the
/// estimates' weights.
std::vector<std::size_t> predicted(const MethodTask& task, const Estimates& estimates,
                                   const std::vector<std::size_t>& numbers, SettleOptions options) {
  std::vector<std::size_t> asked;
  const auto measure = [&](std::span<const std::size_t> some, std::string_view) {
    add(asked, some);
    std::vector<double> impacts;
    for (const auto one : some) {
      const auto row = task.checkpoint.row(task.selected.flat(numbers[one]));
      impacts.push_back(row.empty() ? estimates.at(one) : forDecisions(row[0]));
    }
    return impacts;
  };
  const auto result = settle(estimates, options, measure);
  std::vector<std::pair<double, std::size_t>> below;
  std::sort(asked.begin(), asked.end());
  for (std::size_t one = 0; one < estimates.size(); ++one) {
    const double estimate = estimates.at(one);
    if (estimate >= kMargin * result.threshold && estimate > 0 && !std::binary_search(asked.begin(), asked.end(), one))
      below.emplace_back(-estimate, one);
  }
  std::sort(below.begin(), below.end());
  below.resize(std::min(below.size(), static_cast<std::size_t>(task.settings.top)));
  for (const auto& [unused, one] : below) asked.push_back(one);
  return asked;
}

/// All the parts' work, as numbers of selected weights.
std::vector<std::size_t> allWork(const MethodTask& task, const Shard& shard, Run& run) {
  std::vector<std::size_t> list;
  const bool automatic = task.settings.method == Method::automatic;
  const auto costs = automatic ? autoCosts(task.session, task.settings, task.selected, task.measurer) : AutoCosts();
  if (executesEverything(task.settings, task.selected, costs)) {
    if (shard.estimates()) {
      run.notes.push_back("every weight is executed, since that costs little: there is nothing to estimate");
      return list;
    }
    list.resize(exhaustiveWeights(task));
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = i;
    return list;
  }
  const auto estimated = estimateSelected(task, run);
  const Estimates estimates(estimated.spans());
  const auto numbers = estimated.selected();
  std::vector<std::size_t> asked;
  if (shard.estimates() || !automatic) {
    if (!automatic) list = sampleWithout(task, estimated);
    for (const auto& stratum : calibrationSample(task.settings, estimates, Strata(estimates))) add(asked, stratum);
  } else {
    const auto work = autoWork(task, estimated, costs, static_cast<std::size_t>(task.settings.budget_variants));
    list = work.without;
    asked = predicted(task, estimates, numbers, work.settle);
  }
  for (const auto one : asked) list.push_back(numbers[one]);
  return list;
}

}  // namespace

std::vector<std::uint64_t> shardWork(const MethodTask& task, const Shard& shard, Run& run) {
  std::vector<std::uint64_t> work;
  if (const auto kept = task.checkpoint.list(kWork)) {
    for (const double one : *kept) work.push_back(static_cast<std::uint64_t>(one));
    return work;
  }
  std::vector<std::uint64_t> all;
  for (const auto one : allWork(task, shard, run)) all.push_back(task.selected.flat(one));
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (shard.estimates() || shard.does(i)) work.push_back(all[i]);
  }
  const std::vector<double> kept(work.begin(), work.end());
  task.checkpoint.addList(kWork, std::span<const double>(kept));
  return work;
}

}  // namespace heft
