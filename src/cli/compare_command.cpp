#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/run_files.hpp"
#include "compare/agreement.hpp"
#include "compare/cards.hpp"
#include "compare/component_scores.hpp"
#include "compare/document.hpp"
#include "compare/measures/input_bootstrap.hpp"
#include "compare/measures/scored_criteria.hpp"
#include "compare/scores.hpp"
#include "compare/sections.hpp"
#include "compare/shift.hpp"
#include "compare/text.hpp"
#include "data/atomic_file.hpp"
#include "data/name_list.hpp"
#include "data/stop.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, feature_names, held_out_targets;
  RunFileOptions files;
  std::vector<std::string> others, criteria, scores, held_out;
  uint64_t seed = 0;
};

constexpr auto kFooter =
    R"(Which cheap score would have told what the ranking measured? Each criterion's rank correlation with impact, and what the model
does when weights are removed in its order, executed. What is found goes into the run folder (comparison.json, curves.csv), where
heft report reads it. With two runs, of two input sets or checkpoints: what rose, what fell, what matters on one only.

Any number of runs, of seeds or checkpoints: the rank correlation of each pair, and each component's mean impact and spread over
them. Gates, layers and matrices of other seeds compare; single weights and units of other seeds are other ones that share a name.

Criteria: magnitude, magnitude_normalised, gradient, fisher, snip, synflow, linear, obd, wanda,
random.

Examples:
  heft compare my-run
  heft compare my-run --targets y.pt --held-out x-test.pt --held-out-targets y-test.pt
  heft compare my-run --criteria magnitude gradient --scores captum.safetensors
  heft compare on-plain-images on-marked-images
  heft compare seed-1 seed-2 seed-3)";

std::vector<Criterion> criteriaOf(const Options& options) {
  std::vector<Criterion> criteria;
  for (const auto& name : splitCommas(options.criteria)) {
    const auto one = parseCriterion(name);
    if (std::find(criteria.begin(), criteria.end(), one) == criteria.end()) criteria.push_back(one);
  }
  return criteria.empty() ? allCriteria() : criteria;
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

/// What is being done, and the share of it that is; throws where the user asked to stop.
using Stage = std::function<void(const std::string&, double)>;

/// Scores of the user's own, under names that differ.
std::vector<CriterionScores> givenScores(const Options& options, const Run& run) {
  std::vector<CriterionScores> given;
  for (const auto& file : options.scores) given.push_back(readScores(file, run));
  nameApart(given);
  return given;
}

/// The model on the inputs that weights are removed on; null: on those of the ranking.
std::unique_ptr<Session> heldOutSession(const Options& options, SessionOptions session_options,
                                        const Context& context) {
  if (options.held_out.empty()) return nullptr;
  session_options.inputs.assign(options.held_out.begin(), options.held_out.end());
  session_options.targets = options.held_out_targets;
  auto held_out = std::make_unique<Session>(session_options);
  context.log("curves  on " + held_out->batch().note + " of " + options.held_out[0]);
  return held_out;
}

/// Each criterion's marks against the run's impacts, with their errors over inputs where those can be had.
std::vector<CriterionCard> cardsOver(Session& session, const Run& run, const std::vector<CriterionScores>& all,
                                     const Stage& stage) {
  auto cards = cardsOf(run, all, [&](double share) { stage("ranking criteria", share); });
  if (const auto inputs = InputBootstrap::of(session, run, stage)) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name != kImpact) cards[i].spearman_error = inputs->spearmanError(all[i].scores);
    }
  }
  return cards;
}

/// Removes weights in each criterion's order, whose scores are given free as soon as that is done.
std::vector<RemovalCurve> executedCurves(Session& session, std::vector<CriterionScores>& all, const Stage& stage) {
  std::vector<RemovalCurve> curves;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto executed = removalCurves(session, all[i], removalShares(), [&](double share) {
      stage("removing weights by " + all[i].name, (static_cast<double>(i) + share) / static_cast<double>(all.size()));
    });
    curves.insert(curves.end(), executed.begin(), executed.end());
    all[i].scores.clear();
  }
  return curves;
}

/// What is measured beside criteria: weights on which magnitude and impact disagree, outliers, signs, input features.
void addMeasurements(nlohmann::ordered_json& sections, Session& session, const Run& run,
                     const std::vector<std::string>& feature_names, const Stage& stage) {
  const auto disagreeing = disagreeingWeights(session, run, stopIfAsked);
  sections["large_but_inert"] = listSection(disagreeing.large_but_inert, run.structure);
  sections["small_but_critical"] = listSection(disagreeing.small_but_critical, run.structure);
  sections["outliers"] =
      outliersSection(outlierGroups(session, run, [&](double share) { stage("removing outliers", share); }));
  sections["effects"] =
      effectsSection(effectsOf(session, [&](double share) { stage("removing weights by sign", share); }));
  if (const auto held = holdFeatures(session, feature_names, [&](double share) { stage("holding features", share); }))
    sections["features"] = featuresSection(*held);
}

/// A run of components alone: cheap scores, added up over each component's weights, against what was measured.
int compareComponents(const Options& options, const Run& run, const Context& context) {
  if (!options.held_out.empty())
    throw Error(Fault::usage,
                "--held-out: single weights are removed on it, and this run measured components alone; leave "
                "it out, or rank with --components weight too");
  const auto criteria = criteriaOf(options);
  auto given = givenScores(options, run);
  Session session(openedOn(run, options.files, NewTargets::taken));
  checkStructure(run, session, options.run);
  warnNotes(context, session);
  Progress progress(context.progress);
  auto scored = scoresThereAre(session, criteria, {options.seed, 1}, [&](const std::string& what, double share) {
    progress.update(what, share);
    stopIfAsked();
  });
  for (const auto& note : scored.left_out) context.warn(note);
  auto& all = scored.scores;
  for (auto& one : given) all.push_back(std::move(one));
  const auto cards = componentCards(run, all);
  progress.finish();
  const nlohmann::ordered_json sections = {{"component_criteria", componentCriteriaSection(run, cards)}};
  keepSections(options.run, run, sections, context);
  std::cout << (context.json ? jsonText(sections) + "\n"
                             : componentCardsText(run, cards) + "\nin the run folder: comparison.json\n");
  std::cout.flush();
  return 0;
}

int compareCriteria(const Options& options, const Context& context) {
  const auto criteria = criteriaOf(options);
  const auto run = readRun(options.run);
  requireWritable(std::filesystem::path(options.run) / "comparison.json");
  if (!measuresWeights(run) && !run.components.empty()) return compareComponents(options, run, context);
  const auto given_names = readNames(options.feature_names);
  const auto& names = given_names.empty() ? run.feature_names : given_names;
  requireImpacts(run, options.run);
  auto given = givenScores(options, run);
  const auto session_options = openedOn(run, options.files, NewTargets::taken);
  Session session(session_options);
  checkStructure(run, session, options.run);
  warnNotes(context, session);
  const auto held_out = heldOutSession(options, session_options, context);
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
  auto cards = cardsOver(session, run, all, stage);
  const auto baseline = removalBaseline(on);
  const auto curves = executedCurves(on, all, stage);
  addCurves(cards, curves, baseline.rms);
  nlohmann::ordered_json sections = {{"criteria", criteriaSection(cards)}, {"curves", curvesSection(curves)}};
  sections["criteria_left_out"] = scored.left_out;
  sections["whole_model"] = baselineSection(baseline);
  sections["curves_on"] = held_out ? "held-out inputs" : "the ranking's inputs";
  addMeasurements(sections, session, run, names, stage);
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

/// The last part of a run's path: what people call it.
std::string nameOf(const std::string& folder) {
  auto path = std::filesystem::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().string();
}

/// Names that differ: the folders' own where those do, else the paths as they were given.
std::vector<std::string> namesOf(const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders) names.push_back(nameOf(folder));
  auto sorted = names;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() ? names : folders;
}

std::vector<std::string> allRuns(const Options& options) {
  std::vector<std::string> folders{options.run};
  folders.insert(folders.end(), options.others.begin(), options.others.end());
  return folders;
}

/// What all of them are needed for; a run of millions of weights is large.
Run impactsOf(const std::string& folder) {
  auto run = readRun(folder);
  for (auto& one : run.impacts) {
    for (auto* list : {&one.standard_error, &one.lower, &one.upper}) *list = {};
    one.other.clear();
  }
  return run;
}

void warnMetrics(const std::vector<Run>& runs, const std::vector<std::string>& folders, const Context& context) {
  const auto metric = [](const Run& run) { return std::string(name(run.settings.metrics.front())); };
  for (std::size_t r = 1; r < runs.size(); ++r) {
    if (metric(runs[r]) == metric(runs[0])) continue;
    context.warn("impacts of " + folders[0] + " are " + metric(runs[0]) + ", of " + folders[r] + " " + metric(runs[r]) +
                 ": ranks compare, sizes don't");
  }
}

int compareRuns(const Options& options, const Context& context) {
  const auto folders = allRuns(options);
  std::vector<Run> runs;
  for (const auto& folder : folders) {
    runs.push_back(impactsOf(folder));
    stopIfAsked();
  }
  warnMetrics(runs, folders, context);
  const bool two = runs.size() == 2;
  const bool shifts = two && measuresWeights(runs[0]) && measuresWeights(runs[1]);
  const bool components = std::all_of(runs.begin(), runs.end(), [](const Run& run) { return !run.components.empty(); });
  nlohmann::ordered_json sections = nlohmann::ordered_json::object();
  std::string text;
  if (shifts) {
    const auto shift = shiftOf(runs[0], runs[1]);
    sections["shift"] = shiftSection(shift, runs[0].structure, nameOf(folders[1]));
    text = shiftText(shift, runs[0].structure, folders[0], folders[1]);
  }
  if (!shifts || components) {
    const auto agreement = agreementOf(runs, namesOf(folders));
    sections["agreement"] = agreementSection(agreement);
    text += (text.empty() ? "" : "\n") + agreementText(agreement);
  }
  keepSections(folders[0], runs[0], sections, context);
  std::cout << (context.json ? jsonText(sections) + "\n" : text);
  std::cout.flush();
  return 0;
}

int compare(const Options& options, const Context& context) {
  if (options.held_out.empty() && !options.held_out_targets.empty())
    throw Error(Fault::usage, "--held-out-targets needs --held-out, the inputs that they belong to");
  if (options.others.empty()) return compareCriteria(options, context);
  if (!options.criteria.empty() || !options.scores.empty() || !options.held_out.empty())
    throw Error(Fault::usage,
                "runs are compared by their impacts; leave out --criteria, --scores and --held-out, or the other runs");
  return compareRuns(options, context);
}

}  // namespace

Action addCompare(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand(
      "compare", "Hold magnitude and other cheap criteria against measured impact, or runs against each other");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("RUN2", options->others, "Other runs, to hold the first one against; several")
      ->type_name("RUN...");
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
