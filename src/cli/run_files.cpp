#include "cli/run_files.hpp"

#include <filesystem>

#include "data/hash.hpp"
#include "data/printable.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

[[noreturn]] void refuseChanged(Fault fault, const std::string& what, const char* option) {
  throw Error(fault, what +
                         " changed since the run (another SHA-256 than in its run.json); bring back what the run was "
                         "made from, or name it with " +
                         option);
}

void requireThere(Fault fault, const std::string& file, const char* option) {
  if (!std::filesystem::exists(file))
    throw Error(
        fault, printablePath(file) + ": no such file any more; name the run's own, where it has moved, with " + option);
}

}  // namespace

void addRunFiles(CLI::App& command, RunFiles& files) {
  command.add_option("--model", files.model, "The run's model, where it has moved")->type_name("FILE");
  command.add_option("--inputs", files.inputs, "The run's inputs, where they have moved")->type_name("FILE...");
  command.add_option("--targets", files.targets, "The run's targets, where they have moved")->type_name("FILE");
  command.add_option("--threads", files.threads, "Threads to compute with; 0: one a processor")->capture_default_str();
}

std::string modelOf(const Run& run, const RunFiles& options) {
  const auto& from = run.provenance;
  const auto& file = options.model.empty() ? from.model : options.model;
  requireThere(Fault::model, file, "--model");
  if (sha256File(file, Fault::model) != from.model_sha256)
    refuseChanged(Fault::model, file + ": the model has", "--model");
  return file;
}

ModelOptions filesOf(const Run& run, const RunFiles& options, NewTargets targets) {
  const auto& from = run.provenance;
  ModelOptions files;
  files.model = modelOf(run, options);
  files.inputs = options.inputs.empty() ? from.inputs : options.inputs;
  files.targets = options.targets.empty() ? from.targets : options.targets;
  files.output_target = run.settings.output_target;
  files.dims = run.settings.dims;
  files.stream = run.settings.stream;
  files.carry = run.settings.carry;
  files.draws = run.settings.draws;
  files.seed = run.settings.seed;
  files.as_model = run.settings.precision == Precision::as_model;
  files.threads = options.threads;
  std::vector<std::filesystem::path> inputs(files.inputs.begin(), files.inputs.end());
  for (const auto& file : files.inputs) requireThere(Fault::input, file, "--inputs");
  if (sha256Files(inputs) != from.inputs_sha256) {
    std::string names;
    for (const auto& file : files.inputs) names += (names.empty() ? "" : ", ") + file;
    refuseChanged(Fault::input, names + ": the inputs have", "--inputs");
  }
  if (from.targets_sha256.empty() && targets == NewTargets::taken) return files;
  if (from.targets_sha256.empty() != files.targets.empty()) {
    throw Error(Fault::usage, "--targets " + files.targets + ": the run was made without targets; leave it out");
  }
  if (!files.targets.empty() && sha256File(files.targets) != from.targets_sha256)
    refuseChanged(Fault::input, files.targets + ": the targets have", "--targets");
  return files;
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

}  // namespace heft::cli
