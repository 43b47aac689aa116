#include "job/run_files.hpp"

#include "data/hash.hpp"
#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

[[noreturn]] void refuseChanged(Fault fault, const std::string& what, std::string_view setting) {
  throw Error(fault, what +
                         " changed since the run (another SHA-256 than in its run.json); bring back what the run was "
                         "made from, or name it with " +
                         settingName(setting));
}

void requireThere(Fault fault, const std::filesystem::path& file, std::string_view setting) {
  if (!std::filesystem::exists(file))
    throw Error(fault, printablePath(file) + ": no such file any more; name the run's own, where it has moved, with " +
                           settingName(setting));
}

}  // namespace

std::filesystem::path modelOf(const Run& run, const RunFiles& files) {
  const auto& from = run.provenance;
  const auto file = files.model.empty() ? std::filesystem::path(from.model) : files.model;
  requireThere(Fault::model, file, "model");
  if (sha256File(file, Fault::model) != from.model_sha256)
    refuseChanged(Fault::model, file.string() + ": the model has", "model");
  return file;
}

SessionOptions sessionOf(const Run& run, const RunFiles& files, NewTargets targets) {
  const auto& from = run.provenance;
  SessionOptions session;
  session.model = modelOf(run, files);
  session.inputs = files.inputs;
  if (files.inputs.empty()) session.inputs.assign(from.inputs.begin(), from.inputs.end());
  session.targets = files.targets.empty() ? std::filesystem::path(from.targets) : files.targets;
  session.output_target = run.settings.output_target;
  session.dims = run.settings.dims;
  session.stream = run.settings.stream;
  session.carry = run.settings.carry;
  session.draws = run.settings.draws;
  session.seed = run.settings.seed;
  session.as_model = run.settings.precision == Precision::as_model;
  for (const auto& file : session.inputs) requireThere(Fault::input, file, "inputs");
  if (sha256Files(session.inputs) != from.inputs_sha256) {
    std::vector<std::string> names;
    for (const auto& file : session.inputs) names.push_back(file.string());
    refuseChanged(Fault::input, joined(names, ", ") + ": the inputs have", "inputs");
  }
  if (from.targets_sha256.empty() && targets == NewTargets::taken) return session;
  if (from.targets_sha256.empty() != session.targets.empty()) {
    throw Error(Fault::usage, settingName("targets") + " " + session.targets.string() +
                                  ": the run was made without targets; leave it out");
  }
  if (!session.targets.empty() && sha256File(session.targets) != from.targets_sha256)
    refuseChanged(Fault::input, session.targets.string() + ": the targets have", "targets");
  return session;
}

void checkStructure(const Run& run, const Session& session, const std::string& folder) {
  const auto& now = session.structure().parameters;
  bool same = now.size() == run.structure.parameters.size();
  for (std::size_t p = 0; same && p < now.size(); ++p) {
    same = now[p].name == run.structure.parameters[p].name && now[p].shape == run.structure.parameters[p].shape;
  }
  if (!same)
    throw Error(
        Fault::output,
        folder +
            ": its parameters are not those of the model; the run folder is damaged, or of another version of heft");
}

}  // namespace heft
