#include "job/rank_job.hpp"

#include <filesystem>

#include "compare/measures/input_features.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "job/kept_work.hpp"
#include "measure/rank/rank.hpp"
#include "measure/session/provenance.hpp"
#include "measure/weights/selection.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/shard.hpp"

namespace heft {

std::optional<Run> finishedRun(const std::filesystem::path& folder, const std::function<bool(const Run&)>& same,
                               const std::string& other) {
  if (!std::filesystem::exists(folder / "run.json")) return std::nullopt;
  auto run = readRun(folder);
  if (!same(run)) throw Error(Fault::output, folder.string() + ": " + other);
  removeCheckpoint(folder);  // of a job that was killed in its last moment
  return run;
}

Ranked rankIn(RunFolder& folder, const RankJob& job, const JobEvents& events) {
  KeptWork work(folder, job.go_on);
  Session session(job.session);
  checkSettings(session, job.settings);
  checkFeatureNames(session, job.feature_names);
  const auto provenance = provenanceOf(session, job.threads);
  const auto identity = identityOf(job.settings, provenance);
  const auto selection = select(session.structure(), job.settings.parameters);
  if (events.opened) events.opened(session, selection);

  const auto same = [&](const Run& run) { return identityOf(run.settings, run.provenance) == identity; };
  if (auto run =
          finishedRun(folder.path(), same,
                      "holds a finished run with other settings; choose another folder with " + settingName("output")))
    return {std::move(*run), true, session.notes().size()};
  if (isShard(folder.path())) {
    const auto found = readShard(folder.path()).shard;
    throw Error(Fault::output, folder.path().string() + ": holds a part of a ranking (" + found.text() +
                                   "); go on with that part, or choose another " + settingName("output"));
  }
  auto& checkpoint = work.begin(identity, checkpointColumns(job.settings));
  if (checkpoint.weights() > 0) events.say("resume  " + counted(checkpoint.weights(), "weight") + " measured before");
  auto run = work.keeping(events.log, [&] {
    auto ranked = rankWeights(session, job.settings, provenance, checkpoint,
                              [&](const std::string& stage, double share) { events.tell(stage, share); });
    ranked.feature_names = job.feature_names;
    if (job.write) {
      checkpoint.flush();  // while there is room: the run's own files may fill the disk
      writeRun(ranked, findingsOf(ranked), folder.path());
    }
    return ranked;
  });
  work.keep();
  checkpoint.remove();
  return {std::move(run), false, session.notes().size()};
}

}  // namespace heft
