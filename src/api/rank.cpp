#include "heft/rank.hpp"

#include <c10/util/Exception.h>

#include <limits>
#include <new>
#include <optional>

#include "data/memory.hpp"
#include "data/scratch_folder.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "measure/rank/rank.hpp"
#include "measure/session/provenance.hpp"
#include "model/archive.hpp"
#include "model/weight_label.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"

namespace heft {
namespace {

namespace fs = std::filesystem;

RankSettings settingsOf(const RankOptions& options) {
  RankSettings settings;
  settings.method = parseMethod(options.method);
  settings.metrics.clear();
  for (const auto& one : options.metrics) settings.metrics.push_back(parseMetric(one));
  settings.perturbation = Perturbation::parse(options.perturbation);
  settings.levels.clear();
  for (const auto& one : options.components) settings.levels.push_back(parseLevel(one));
  if (!options.by.empty()) settings.by = parseGroupBy(options.by);
  if (!options.labels.empty()) settings.by = GroupBy::label;
  settings.labels = options.labels;
  settings.parameters = options.parameters;
  settings.output_target = options.output_target;
  settings.top = options.top;
  settings.alpha = options.alpha;
  settings.miss = options.miss;
  settings.budget_variants = options.budget_variants;
  settings.budget_seconds = options.budget_seconds;
  settings.seed = options.seed;
  settings.dims = options.dims;
  settings.stream = options.stream;
  settings.carry = options.carry;
  settings.draws = options.draws;
  return settings;
}

SessionOptions sessionOf(const RankOptions& options) {
  SessionOptions session;
  session.model = options.model;
  session.inputs = options.inputs;
  session.targets = options.targets;
  session.output_target = options.output_target;
  session.dims = options.dims;
  session.stream = options.stream;
  session.carry = options.carry;
  session.draws = options.draws;
  session.seed = options.seed;
  session.devices = readDevices(options.device);
  return session;
}

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

/// The run that `folder` holds already, if it is of the same settings. Throws Error(Fault::output) if it is of others.
std::optional<Run> finishedRun(const fs::path& folder, const Checkpoint::Identity& identity) {
  if (!fs::exists(folder / "run.json")) return std::nullopt;
  auto run = readRun(folder);
  if (identityOf(run.settings, run.provenance) != identity)
    throw Error(Fault::output, folder.string() + ": holds a finished run with other settings; name another folder");
  removeCheckpoint(folder);  // of a run that was killed in its last moment
  return run;
}

/// Ranks with checkpoints in `folder`; with a run folder, that is the same one, the run is written there. A run folder in which
/// nothing was measured goes again.
Run measure(Session& session, const RankSettings& settings, const RankOptions& options, const fs::path& folder,
            RunFolder* run_folder) {
  const auto provenance = provenanceOf(session, options.threads);
  Checkpoint checkpoint(folder, identityOf(settings, provenance), checkpointColumns(settings));
  try {
    auto run = rankWeights(session, settings, provenance, checkpoint, [&](const std::string& stage, double share) {
      if (options.progress) options.progress(stage, share);
    });
    if (run_folder != nullptr) {
      checkpoint.flush();  // while there is room: the run's own files may fill the disk
      writeRun(run, findingsOf(run), folder);
    }
    checkpoint.remove();
    return run;
  } catch (...) {
    if (checkpoint.empty() && run_folder != nullptr) run_folder->undo();
    try {
      if (!checkpoint.empty()) checkpoint.flush();
    } catch (const Error&) {  // a full disk, which is what ended the ranking, then
    }
    throw;
  }
}

Ranking ranked(const RankOptions& options) {
  const auto settings = settingsOf(options);
  if (options.resume && options.run.empty())
    throw Error(Fault::usage, "resume needs the run folder to go on with: RankOptions::run");
  setThreads(options.threads);
  Session session(sessionOf(options));
  checkSettings(session, settings);
  std::optional<Run> run;
  if (options.run.empty()) {
    const ScratchFolder scratch;
    run = measure(session, settings, options, scratch.path(), nullptr);
  } else {
    auto folder = options.resume ? RunFolder::resume(options.run) : RunFolder::create(options.run);
    if (options.resume) run = finishedRun(folder.path(), identityOf(settings, provenanceOf(session, options.threads)));
    if (!run) run = measure(session, settings, options, folder.path(), &folder);
  }
  const auto findings = findingsOf(*run);
  return rankingOf(std::move(*run), findings);
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
