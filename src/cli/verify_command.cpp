#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/run_files.hpp"
#include "data/stop.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/rank/reference.hpp"
#include "measure/weights/component.hpp"
#include "run/findings/verification.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run;
  RunFileOptions files;
  int64_t sample = 100;
  uint64_t seed = 0;
};

constexpr auto kFooter =
    R"(Ends with status 1 where executed impacts are off by more than 0.01 %, or fewer estimates lie in their interval than chance
explains. Components (units, gates, layers, …) that the run measured are measured again too, by group where it was split: half as
many as weights, or --sample of them where it measured no weights.

Examples:
  heft verify heft-run-model-1
  heft verify my-run --sample 1000 --seed 7
  heft verify my-run --model moved/model.pt --inputs moved/x.npy)";

std::string describe(std::size_t weights, std::size_t components) {
  if (weights == 0) return counted(components, "component");
  return counted(weights, "weight") + (components > 0 ? " and " + counted(components, "component") : "");
}

void measureAgain(Session& session, const Run& run, std::vector<VerifiedWeight>& weights,
                  const std::function<void(std::size_t)>& done) {
  if (weights.empty()) return;
  std::vector<FlatWeights::Place> places;
  for (const auto& weight : weights) places.push_back({static_cast<int64_t>(weight.parameter), weight.index});
  const auto impacts = referenceImpacts(session, run.settings, places, done);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i].reference = impacts[i];
}

void measureAgain(Session& session, const Run& run, std::vector<VerifiedComponent>& components,
                  const std::function<void(std::size_t)>& done) {
  if (components.empty()) return;
  std::vector<Component> changed;
  for (const auto& one : components)
    changed.push_back(parseComponent(session.structure(), run.components[one.component].name));
  auto references = referenceImpacts(session, run.settings, changed, done);
  for (std::size_t i = 0; i < components.size(); ++i) {
    components[i].reference = references[i].impact;
    components[i].by_group = std::move(references[i].by_group);
    if (components[i].by_group.size() != run.groups.size())
      throw Error(Fault::output, "the run has " + counted(run.groups.size(), "group") + " of outputs, the model " +
                                     std::to_string(components[i].by_group.size()) + "; the run folder is damaged");
  }
}

int verify(const Options& options, const Context& context) {
  if (options.sample < 1)
    throw Error(Fault::usage, "--sample " + std::to_string(options.sample) + ": at least 1 was expected");
  const auto run = readRun(options.run);
  const auto sample = static_cast<std::size_t>(options.sample);
  auto weights = drawForVerification(run, sample, options.seed);
  auto components = drawComponents(run, weights.empty() ? sample : (sample + 1) / 2, options.seed);
  if (weights.empty() && components.empty())
    throw Error(Fault::output, options.run + ": has no impacts to check; 'heft rank' measures them");
  Session session(openedOn(run, options.files));
  checkStructure(run, session, options.run);
  const auto all = weights.size() + components.size();
  context.log("verify  " + describe(weights.size(), components.size()) + " of " + options.run + ", each run alone in " +
              (session.model().native ? "the model's own types" : "float64") + ", about " +
              duration(session.runSeconds() * static_cast<double>(all)));

  Progress progress(context.progress);
  const auto tell = [&](std::size_t done) {
    progress.update("measuring again", static_cast<double>(done) / static_cast<double>(all));
    stopIfAsked();
  };
  measureAgain(session, run, weights, tell);
  measureAgain(session, run, components, [&](std::size_t done) { tell(weights.size() + done); });
  progress.finish();
  const auto found = verificationOf(run, weights, components);
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
      "verify",
      "Measure random weights and components of a run again, one by one in float64, and say how far off the run is");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command
      ->add_option("--sample", options->sample, "Weights to measure again, half of them executed ones, half estimates")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Another seed draws other weights")
      ->check(checkSeed)
      ->capture_default_str();
  addRunFiles(*command, options->files);
  return [options](const Context& context) { return verify(*options, context); };
}

}  // namespace heft::cli
