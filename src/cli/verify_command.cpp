#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "data/hash.hpp"
#include "heft/error.hpp"
#include "measure/reference.hpp"
#include "run/json_text.hpp"
#include "run/run_folder.hpp"
#include "run/verification.hpp"
#include "run/words.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, model, targets;
  std::vector<std::string> inputs;
  int64_t sample = 100;
  uint64_t seed = 0;
  int threads = 0;
};

constexpr auto kFooter =
    R"(Ends with status 1 where executed impacts are off by more than 0.01 %, or fewer estimates lie in their interval than chance
explains.

Examples:
  heft verify heft-run-model-1
  heft verify my-run --sample 1000 --seed 7
  heft verify my-run --model moved/model.pt --inputs moved/x.npy)";

[[noreturn]] void refuseChanged(Fault fault, const std::string& what, const char* option) {
  throw Error(fault, what +
                         " changed since the run (another SHA-256 than in its run.json); bring back what the run was "
                         "made from, or name it with " +
                         option);
}

/// The files of the run, or those named instead, checked to be the same.
ModelOptions filesOf(const Run& run, const Options& options) {
  const auto& from = run.provenance;
  ModelOptions files;
  files.model = options.model.empty() ? from.model : options.model;
  files.inputs = options.inputs.empty() ? from.inputs : options.inputs;
  files.targets = options.targets.empty() ? from.targets : options.targets;
  files.output_target = run.settings.output_target;
  files.stream = run.settings.stream;
  files.threads = options.threads;
  if (sha256File(files.model, Fault::model) != from.model_sha256)
    refuseChanged(Fault::model, files.model + ": the model has", "--model");
  std::vector<std::filesystem::path> inputs(files.inputs.begin(), files.inputs.end());
  if (sha256Files(inputs) != from.inputs_sha256) {
    std::string names;
    for (const auto& file : files.inputs) names += (names.empty() ? "" : ", ") + file;
    refuseChanged(Fault::input, names + ": the inputs have", "--inputs");
  }
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

int verify(const Options& options, const Context& context) {
  if (options.sample < 1)
    throw Error(Fault::usage, "--sample " + std::to_string(options.sample) + ": at least 1 was expected");
  const auto run = readRun(options.run);
  auto weights = drawForVerification(run, static_cast<std::size_t>(options.sample), options.seed);
  if (weights.empty()) {
    throw Error(
        Fault::output,
        options.run + ": has no impacts of single weights to check; 'heft rank --components weight' measures them");
  }
  Session session(sessionOptions(filesOf(run, options)));
  checkStructure(run, session, options.run);
  context.log("verify  " + counted(weights.size(), "weight") + " of " + options.run + ", each run alone in " +
              (session.model().native ? "the model's own types" : "float64") + ", about " +
              duration(session.runSeconds() * static_cast<double>(weights.size())));

  std::vector<FlatWeights::Place> places;
  for (const auto& weight : weights) places.push_back({static_cast<int64_t>(weight.parameter), weight.index});
  Progress progress(context.quiet);
  const auto impacts = referenceImpacts(session, run.settings, places, [&](std::size_t done) {
    progress.update("measuring again", static_cast<double>(done) / static_cast<double>(places.size()));
    stopIfAsked();
  });
  progress.finish();
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i].reference = impacts[i];

  const auto found = verificationOf(run, weights);
  if (context.json)
    std::cout << jsonText(verificationJson(found)) << '\n';
  else
    std::cout << verificationText(found);
  std::cout.flush();
  if (found.failures.empty()) return 0;
  std::string why;
  for (const auto& failure : found.failures) why += (why.empty() ? "" : "; ") + failure;
  throw Error(Fault::verify, options.run + ": " + why);
}

}  // namespace

Action addVerify(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand(
      "verify", "Measure random weights of a run again, one by one in float64, and say how far off the run is");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command
      ->add_option("--sample", options->sample, "Weights to measure again, half of them executed ones, half estimates")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Another seed draws other weights")
      ->check(checkSeed)
      ->capture_default_str();
  command->add_option("--model", options->model, "The run's model, where it has moved")->type_name("FILE");
  command->add_option("--inputs", options->inputs, "The run's inputs, where they have moved")->type_name("FILE...");
  command->add_option("--targets", options->targets, "The run's targets, where they have moved")->type_name("FILE");
  command->add_option("--threads", options->threads, "Threads to compute with; 0: one a processor")
      ->capture_default_str();
  return [options](const Context& context) { return verify(*options, context); };
}

}  // namespace heft::cli
