#include "heft/rank.hpp"

#include <c10/util/Exception.h>

#include <limits>
#include <new>
#include <optional>

#include "data/memory.hpp"
#include "data/scratch_folder.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/options.hpp"
#include "job/rank_job.hpp"
#include "model/archive.hpp"
#include "model/weight_label.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"

namespace heft {
namespace {

RankedWeight placeOf(const TopWeight& top, const Structure& structure) {
  RankedWeight weight;
  weight.name = weightLabel(structure.parameters[top.parameter], top.index);
  weight.parameter = top.parameter;
  weight.index = top.index;
  weight.weight = top.weight;
  weight.impact = top.impact;
  weight.lower = top.lower;
  weight.upper = top.upper;
  weight.standard_error = top.standard_error;
  weight.executed = top.executed;
  weight.magnitude_rank = top.magnitude_rank;
  return weight;
}

Ranking rankingOf(Run run, const Findings& findings) {
  Ranking ranking;
  for (const auto& top : findings.top) ranking.top.push_back(placeOf(top, run.structure));
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    auto& from = run.impacts[p];
    const auto& info = run.structure.parameters[p];
    ranking.parameters.push_back({info.name, info.shape, std::move(from.weight), std::move(from.impact),
                                  std::move(from.lower), std::move(from.upper), std::move(from.standard_error),
                                  std::move(from.measured)});
  }
  const auto metric = std::string(name(run.settings.metrics.front()));
  for (const auto& one : run.components) {
    ranking.components.push_back(
        {one.name, std::string(name(one.level)), one.weights, one.joint.at(metric), one.standard_error,
         run.groups.empty() ? std::vector<double>() : one.by_group.at(metric), one.group_error});
  }
  for (const auto& one : run.groups) ranking.groups.push_back(one.name);
  if (run.settled) {
    ranking.settled = run.settled->settled;
    ranking.missing = run.settled->missing;
  }
  ranking.spearman = findings.comparison.overall.spearman.value_or(std::numeric_limits<double>::quiet_NaN());
  ranking.variants = run.cost.variants;
  ranking.seconds = run.cost.seconds;
  ranking.notes = std::move(run.notes);
  return ranking;
}

Ranking ranked(const RankOptions& options) {
  RankJob job{settingsOf(options), sessionOf(options), options.threads, options.feature_names, {}};
  if (options.resume && options.run.empty())
    throw Error(Fault::usage, "resume needs the run folder to go on with: RankOptions::run");
  setThreads(options.threads);
  std::optional<ScratchFolder> scratch;
  if (options.run.empty()) scratch.emplace();
  job.write = !scratch;
  auto folder = scratch          ? RunFolder::create(scratch->path())
                : options.resume ? RunFolder::resume(options.run)
                                 : RunFolder::create(options.run);
  auto run = rankIn(folder, job, {options.progress, nullptr, nullptr}).run;
  const auto findings = findingsOf(run);
  return rankingOf(std::move(run), findings);
}

std::string outOfMemory() {
  return "out of memory after taking " + bytesInWords(takenMemory()) + "; give fewer or shorter inputs";
}

}  // namespace

Ranking rank(const RankOptions& options) {
  try {
    return ranked(options);
  } catch (const std::bad_alloc&) {
    throw Error(Fault::memory, outOfMemory());
  } catch (const c10::Error& error) {
    if (saysOutOfMemory(error.what())) throw Error(Fault::memory, outOfMemory());
    throw Error(Fault::internal, "a defect of heft, please report it: " + firstLine(error.what()));
  }
}

}  // namespace heft
