#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/run_files.hpp"
#include "cli/signals.hpp"
#include "compare/cards.hpp"
#include "compare/document.hpp"
#include "compare/scores.hpp"
#include "compare/sections.hpp"
#include "compare/shift.hpp"
#include "compare/text.hpp"
#include "data/atomic_file.hpp"
#include "data/name_list.hpp"
#include "heft/error.hpp"
#include "measure/input_bootstrap.hpp"
#include "measure/scored_criteria.hpp"
#include "run/json_text.hpp"
#include "run/run_folder.hpp"
#include "run/words.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, other, feature_names, held_out_targets;
  RunFiles files;
  std::vector<std::string> criteria, scores, held_out;
  uint64_t seed = 0;
};

constexpr auto kFooter =
    R"(Which cheap score would have told what the ranking measured? Each criterion's rank correlation with impact, and what the model
does when weights are removed in its order, executed. What is found goes into the run folder (comparison.json, curves.csv), where
heft report reads it. With two runs, of two input sets or checkpoints: what rose, what fell, what matters on one only.

Criteria: magnitude, magnitude_normalised, gradient, fisher, snip, linear, obd, wanda, random.

Examples:
  heft compare my-run
  heft compare my-run --targets y.pt --held-out x-test.pt --held-out-targets y-test.pt
  heft compare my-run --criteria magnitude gradient --scores captum.safetensors
  heft compare on-plain-images on-marked-images)";

std::vector<Criterion> criteriaOf(const Options& options) {
  std::vector<Criterion> criteria;
  for (const auto& name : splitCommas(options.criteria)) {
    const auto one = parseCriterion(name);
    if (std::find(criteria.begin(), criteria.end(), one) == criteria.end()) criteria.push_back(one);
  }
  if (criteria.empty()) criteria.assign(allCriteria().begin(), allCriteria().end());
  return criteria;
}

void warnNotes(const Context& context, const Session& session) {
  for (const auto& note : session.notes()) context.warn(note);
}

void keepSections(const std::filesystem::path& folder, const Run& run, const nlohmann::ordered_json& sections,
                  const Context& context) {
  if (addToComparison(folder, run, sections)) return;
  context.warn((folder / "comparison.json").string() +
               " was damaged and is written anew; compare again what else was compared with this run");
}

int compareCriteria(const Options& options, const Context& context) {
  const auto criteria = criteriaOf(options);
  const auto run = readRun(options.run);
  requireWritable(std::filesystem::path(options.run) / "comparison.json");
  const auto given_names = readNames(options.feature_names);
  const auto& names = given_names.empty() ? run.feature_names : given_names;
  requireImpacts(run, options.run);
  std::vector<CriterionScores> given;
  for (const auto& file : options.scores) given.push_back(readScores(file, run));
  nameApart(given);

  const auto session_options = sessionOptions(filesOf(run, options.files, NewTargets::taken));
  Session session(session_options);
  checkStructure(run, session, options.run);
  warnNotes(context, session);
  std::unique_ptr<Session> held_out;
  if (!options.held_out.empty()) {
    auto other = session_options;
    other.inputs.assign(options.held_out.begin(), options.held_out.end());
    other.targets = options.held_out_targets;
    held_out = std::make_unique<Session>(other);
    context.log("curves  on " + held_out->batch().note + " of " + options.held_out[0]);
  }
  auto& on = held_out ? *held_out : session;

  Progress progress(context.progress);
  const auto stage = [&](const std::string& what, double share) {
    progress.update(what, share);
    stopIfAsked();
  };
  std::vector<CriterionScores> all{impactScores(run)};
  auto scored = scoresThereAre(session, criteria, {options.seed, 3}, stage);
  for (auto& one : scored.scores) all.push_back(std::move(one));
  for (const auto& note : scored.left_out) context.warn(note);
  for (auto& one : given) all.push_back(std::move(one));
  for (auto& one : all) keepRunOnly(one, run);
  auto cards = cardsOf(run, all, [&](double share) { stage("ranking criteria", share); });
  if (const auto inputs = InputBootstrap::of(session, run, stage)) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name != kImpact) cards[i].spearman_error = inputs->spearmanError(all[i].scores);
    }
  }
  std::vector<RemovalCurve> curves;
  const auto baseline = removalBaseline(on);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto executed = removalCurves(on, all[i], removalShares(), [&](double share) {
      stage("removing weights by " + all[i].name, (static_cast<double>(i) + share) / static_cast<double>(all.size()));
    });
    curves.insert(curves.end(), executed.begin(), executed.end());
    all[i].scores.clear();
  }
  addCurves(cards, curves, baseline.rms);
  nlohmann::ordered_json sections = {{"criteria", criteriaSection(cards)}, {"curves", curvesSection(curves)}};
  sections["criteria_left_out"] = scored.left_out;
  sections["whole_model"] = baselineSection(baseline);
  sections["curves_on"] = held_out ? "held-out inputs" : "the ranking's inputs";
  const auto disagreeing = disagreeingWeights(session, run, stopIfAsked);
  sections["large_but_inert"] = listSection(disagreeing.large_but_inert, run.structure);
  sections["small_but_critical"] = listSection(disagreeing.small_but_critical, run.structure);
  sections["outliers"] =
      outliersSection(outlierGroups(session, run, [&](double share) { stage("removing outliers", share); }));
  sections["effects"] =
      effectsSection(effectsOf(session, [&](double share) { stage("removing weights by sign", share); }));
  if (const auto held = holdFeatures(session, names, [&](double share) { stage("holding features", share); }))
    sections["features"] = featuresSection(*held);
  progress.finish();
  const std::filesystem::path folder(options.run);
  keepSections(folder, run, sections, context);
  writeCurves(folder / "curves.csv", curves);
  if (context.json)
    std::cout << jsonText(sections) << '\n';
  else
    std::cout << comparisonText(cards, curves, baseline)
              << "\nin the run folder: comparison.json, curves.csv  (heft report " << options.run << " draws them)\n";
  std::cout.flush();
  return 0;
}

int compareRuns(const Options& options, const Context& context) {
  const auto here = readRun(options.run);
  const auto there = readRun(options.other);
  const auto shift = shiftOf(here, there);
  const auto metric = [](const Run& run) { return std::string(name(run.settings.metrics.front())); };
  if (metric(here) != metric(there))
    context.warn("impacts here are " + metric(here) + ", there " + metric(there) + ": ranks compare, sizes don't");
  const std::filesystem::path folder(options.run);
  auto other = std::filesystem::absolute(options.other).lexically_normal();
  if (!other.has_filename()) other = other.parent_path();
  const nlohmann::ordered_json sections = {{"shift", shiftSection(shift, here.structure, other.filename().string())}};
  keepSections(folder, here, sections, context);
  if (context.json)
    std::cout << jsonText(sections) << '\n';
  else
    std::cout << shiftText(shift, here.structure, options.run, options.other);
  std::cout.flush();
  return 0;
}

int compare(const Options& options, const Context& context) {
  if (options.held_out.empty() && !options.held_out_targets.empty())
    throw Error(Fault::usage, "--held-out-targets needs --held-out, the inputs that they belong to");
  if (options.other.empty()) return compareCriteria(options, context);
  if (!options.criteria.empty() || !options.scores.empty() || !options.held_out.empty())
    throw Error(Fault::usage,
                "two runs are compared by their impacts; leave out --criteria, --scores and --held-out, or RUN2");
  return compareRuns(options, context);
}

}  // namespace

Action addCompare(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand(
      "compare", "Hold magnitude and other cheap criteria against measured impact, or two runs against each other");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("RUN2", options->other, "Another run, to hold the first one against");
  command->add_option("--criteria", options->criteria, "Criteria to compare; left out: all of them; several")
      ->type_name("NAME...");
  command
      ->add_option("--scores", options->scores,
                   "Scores of your own: a .safetensors file with the parameters' names and shapes; several")
      ->type_name("FILE...");
  command->add_option("--held-out", options->held_out, "Inputs that the ranking has not seen, to remove weights on")
      ->type_name("FILE...");
  command->add_option("--held-out-targets", options->held_out_targets, "Their targets, for loss and accuracy")
      ->type_name("FILE");
  command->add_option("--feature-names", options->feature_names, "What the input's features are called, a name a line")
      ->type_name("FILE");
  command->add_option("--seed", options->seed, "Random rankings and probes derive from it")
      ->check(checkSeed)
      ->capture_default_str();
  addRunFiles(*command, options->files);
  return [options](const Context& context) { return compare(*options, context); };
}

}  // namespace heft::cli
