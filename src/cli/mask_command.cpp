#include <filesystem>
#include <iostream>

#include "analysis/random.hpp"
#include "cli/command.hpp"
#include "cli/mask_report.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/run_files.hpp"
#include "compare/cards.hpp"
#include "compare/component_scores.hpp"
#include "compare/measures/weight_criteria.hpp"
#include "compare/scores.hpp"
#include "compare/shift.hpp"
#include "data/atomic_file.hpp"
#include "data/printable.hpp"
#include "data/stop.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "mask/component_mask.hpp"
#include "mask/mask.hpp"
#include "mask/masked_model.hpp"
#include "measure/weights/component.hpp"
#include "run/findings/component_findings.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, by = kImpact, scores, against, scope = "global", file, apply, level, path;
  MaskSettings mask;
  RunFileOptions files;
  uint64_t seed = 0;
};

constexpr auto kFooter =
    R"(The weights that matter most stay, the others go. The mask holds a tensor of booleans for each parameter, of its name and
shape, and is executed: how far does the output move, and with targets, what becomes of loss and accuracy. Biases and other
vectors stay and don't count, unless --biases is given. Nothing is retrained, and nothing is claimed about what retraining would do.

--against another run, of inputs without a cue: what matters more in RUN than there goes, most of all first. So a mask on a run of
inputs that mislead takes away what the model learnt of the cue.

--level unit (row, column, gate, matrix, layer) keeps that share of the components that the run measured, whole: all weights of each
other one go, its biases too. A run of components alone needs --level only where it measured several.

By: impact, or a criterion of 'heft compare': magnitude, magnitude_normalised, random (which need the run folder alone), gradient,
fisher, snip, synflow, linear, obd, wanda (which run the model); or --scores, a file of your own.

Examples:
  heft mask my-run --keep 0.2 --by impact -o mask.safetensors
  heft mask my-run --keep 0.1 --by magnitude --scope matrix -o mask.safetensors --targets y.pt
  heft mask my-run --keep 0.8 --level unit --apply without-a-fifth-of-its-units.pt
  heft mask my-run --keep 0.5 -o mask.safetensors --apply masked.pt
  heft mask on-marked-images --against on-plain-images --keep 0.995 --biases --apply without-the-cue.pt

And in Python:
  mask = safetensors.torch.load_file("mask.safetensors")
  for name, weight in model.named_parameters(): weight.data *= mask[name]
  torch.nn.utils.prune.custom_from_mask(model.rnn, "weight_hh_l0", mask["rnn.weight_hh_l0"]))";

/// The run's model on its inputs again, opened when somebody asks for it.
class Reopened {
 public:
  Reopened(const Run& run, const Options& options, const Context& context)
      : run_(run), options_(options), context_(context) {}

  /// Throws Error where the files have moved or changed.
  Session& session() {
    if (!session_) {
      session_ = std::make_unique<Session>(openedOn(run_, options_.files, NewTargets::taken));
      checkStructure(run_, *session_, options_.run);
      for (const auto& note : session_->notes()) context_.warn(note);
    }
    return *session_;
  }

  /// Null, and a note why, where the files have moved or changed and nobody said where they are.
  Session* sessionIfThere() {
    const auto& files = options_.files.files;
    try {
      return &session();
    } catch (const Error& error) {
      const bool gone = (error.fault() == Fault::model && files.model.empty()) ||
                        (error.fault() == Fault::input && files.inputs.empty() && files.targets.empty());
      if (!gone) throw;
      context_.warn(std::string("the mask was not executed: ") + error.what());
      return nullptr;
    }
  }

 private:
  const Run& run_;
  const Options& options_;
  const Context& context_;
  std::unique_ptr<Session> session_;
};

CriterionScores scoresFor(const Options& options, const Run& run, Reopened& model, Progress& progress) {
  if (!options.scores.empty()) return readScores(options.scores, run);
  if (!options.against.empty()) return shiftScores(run, readRun(options.against));
  if (options.by == kImpact) return impactScores(run);
  const auto criterion = parseCriterion(options.by);
  WeightScores weights;
  for (const auto& one : run.impacts) weights.push_back(one.weight);
  if (auto scores = scoresOfWeights(criterion, weights, options.seed))
    return {std::string(name(criterion)), std::string(label(criterion)), std::move(*scores), 0};
  auto scores =
      scoresOf(model.session(), {&criterion, 1}, {options.seed, 1}, [&](const std::string& what, double done) {
        progress.update(what, done);
        stopIfAsked();
      });
  return std::move(scores.front());
}

/// A mask is quickly made again, the file that it would replace may not be.
void refuseExisting(const std::filesystem::path& file, const char* option) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored))
    throw Error(Fault::output, printablePath(file) + ": is there already; choose another " + option + " or delete it");
}

void checkRanking(const std::string& by) {
  if (by == kImpact) return;
  try {
    (void)parseCriterion(by);
  } catch (const Error& error) {
    throw Error(error.fault(), std::string(error.what()) + ", impact");
  }
}

void check(const Options& options, const std::filesystem::path& file) {
  if (options.scope != "global" && options.scope != "matrix" && options.scope != "layer")
    throw Error(Fault::usage,
                "--scope " + options.scope + ": global, matrix or (of units and gates) layer was expected");
  if (!(options.mask.keep > 0 && options.mask.keep <= 1))
    throw Error(Fault::usage, "--keep " + significant(options.mask.keep) +
                                  ": the share of weights to keep, above 0 and at most 1, was expected");
  checkRanking(options.by);
  refuseExisting(file, "-o");
  if (!options.file.empty()) requireWritable(file);
  if (options.apply.empty()) return;
  refuseExisting(options.apply, "--apply");
  requireWritable(options.apply);
  if (std::filesystem::absolute(options.apply).lexically_normal() == std::filesystem::absolute(file).lexically_normal())
    throw Error(Fault::usage, "-o and --apply name the same file");
}

void warnOfPerturbation(const Options& options, const Run& run, const Context& context) {
  if (run.settings.perturbation.kind != Perturbation::Kind::zero && options.by == kImpact && options.scores.empty() &&
      options.against.empty())
    context.warn("the run measured what '" + run.settings.perturbation.text() + "' does, a mask sets weights to zero");
}

/// Ranks single weights.
MaskReport maskWeights(const Options& options, const Run& run, Reopened& model, Progress& progress) {
  requireImpacts(run, options.run);
  if (options.scope == "layer")
    throw Error(Fault::usage,
                "--scope layer: goes with --level unit or gate; for weights global or matrix was expected");
  if (!options.path.empty()) throw Error(Fault::usage, "--path: goes with --level unit");
  auto scores = scoresFor(options, run, model, progress);
  keepRunOnly(scores, run);
  MaskReport report{{}, scores.name, scores.label, options.mask, {}, {}, {}, {}, {}};
  report.mask = maskOf(scores, run.structure, options.mask);
  return report;
}

/// The name, the label and the scores of components, [components].
struct ComponentScores {
  std::string name, label;
  std::vector<double> values;
};

ComponentScores componentScores(const Options& options, const Run& run, Reopened& model, Progress& progress) {
  ComponentScores scores{options.by, options.by, {}};
  if (!options.against.empty())
    return {"shift", "impact there - impact here", componentShift(run, readRun(options.against))};
  if (options.scores.empty() && options.by == kImpact) {
    for (const auto& one : run.components) scores.values.push_back(impactOf(run, one));
    return {kImpact, "impact", std::move(scores.values)};
  }
  if (options.scores.empty() && options.by == name(Criterion::magnitude)) {
    for (const auto& one : run.components) scores.values.push_back(one.magnitude);
    return {options.by, "the norm of their weights", std::move(scores.values)};
  }
  if (options.scores.empty() && options.by == name(Criterion::random)) {
    Random random(options.seed, "random components");
    for (std::size_t c = 0; c < run.components.size(); ++c) scores.values.push_back(random.uniform());
    return {options.by, "chance", std::move(scores.values)};
  }
  const auto weights = scoresFor(options, run, model, progress);
  return {weights.name, "the sum of " + weights.label, summedScores(run, weights)};
}

/// Ranks whole components.
MaskReport maskComponents(const Options& options, const Run& run, Reopened& model, Progress& progress) {
  if (options.mask.biases)
    throw Error(Fault::usage, "--biases: components go with their biases; leave it out with --level");
  ComponentMaskSettings settings;
  settings.keep = options.mask.keep;
  settings.level = options.level.empty() ? onlyLevel(run) : parseLevel(options.level);
  if (settings.level == Level::weight)
    throw Error(Fault::usage,
                "--level weight: row, column, unit, gate, matrix or layer was expected; single weights are "
                "ranked without --level");
  if (!options.path.empty() && settings.level != Level::unit)
    throw Error(Fault::usage, "--path: goes with --level unit");
  if (settings.level == Level::unit)
    settings.path = std::string(name(options.path.empty() ? UnitPath::all : parseUnitPath(options.path)));
  settings.scope = options.scope == "layer"    ? ComponentScope::layer
                   : options.scope == "matrix" ? ComponentScope::matrix
                                               : ComponentScope::global;
  const auto scores = componentScores(options, run, model, progress);
  auto found = maskOfComponents(run, scores.values, settings);
  MaskReport report{{}, scores.name, scores.label, options.mask, {}, {}, {}, {}, {}};
  report.settings.level = std::string(name(settings.level));
  report.mask = std::move(found.mask);
  const auto words =
      pluralOf(settings.level) + (settings.path.empty() || settings.path == "all" ? "" : " (" + settings.path + ")");
  report.components = {words, options.scope, found.ranked, std::move(found.removed), found.without_score};
  return report;
}

int mask(Options options, const Context& context) {
  const std::filesystem::path file = options.file.empty() ? std::filesystem::path(options.run) / "mask.safetensors"
                                                          : std::filesystem::path(options.file);
  check(options, file);
  options.mask.per_matrix = options.scope == "matrix";
  const auto run = readRun(options.run);
  if (options.file.empty()) requireWritable(file);
  const auto model_file = options.apply.empty() ? std::string() : modelOf(run, options.files.files).string();
  warnOfPerturbation(options, run, context);
  Progress progress(context.progress);
  Reopened model(run, options, context);
  const bool whole = !options.level.empty() || (!run.components.empty() && !measuresWeights(run));
  auto report = whole ? maskComponents(options, run, model, progress) : maskWeights(options, run, model, progress);
  report.file = file.string();
  report.applied = options.apply;
  if (auto* session = model.sessionIfThere()) {
    progress.update("executing the mask", 0);
    report.before = removalBaseline(*session);
    stopIfAsked();
    report.after = removeWeights(*session, report.mask.kept);
    stopIfAsked();
  }
  progress.finish();
  if (!options.apply.empty()) writeMaskedModel(model_file, run.structure, report.mask, options.apply);
  writeMask(report.mask, run.structure, report.criterion, report.settings, file);
  std::cout << (context.json ? jsonOf(report, run.structure) : textOf(report, run.structure));
  std::cout.flush();
  return 0;
}

}  // namespace

Action addMask(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("mask", "Write which weights stay when a share of them is removed, and what that does");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("--keep", options->mask.keep, "Share of the weights that stay, above 0 and at most 1")
      ->required()
      ->type_name("SHARE");
  auto* by = command->add_option("--by", options->by, "What ranks the weights: impact, magnitude, random, …")
                 ->type_name("NAME")
                 ->capture_default_str();
  command
      ->add_option("--scores", options->scores,
                   "Scores of your own: a .safetensors file with the parameters' names and shapes")
      ->type_name("FILE")
      ->excludes(by);
  command->add_option("--against", options->against, "Another run: what matters more in RUN than there goes first")
      ->type_name("RUN2")
      ->excludes(by)
      ->excludes("--scores");
  command
      ->add_option("--level", options->level,
                   "Keep whole components: unit, gate, row, column, matrix or layer, as the run measured them")
      ->type_name("LEVEL");
  command
      ->add_option("--path", options->path,
                   "Of units, what goes: incoming, outgoing, recurrent or all of their weights")
      ->type_name("PATH");
  command
      ->add_option("--scope", options->scope,
                   "global: the share of all together; matrix: in each matrix; layer: of units or gates, in each layer")
      ->type_name("WHERE")
      ->capture_default_str();
  command->add_flag("--biases", options->mask.biases, "Rank biases and other vectors too");
  command->add_option("-o,--output", options->file, "File to write; left out: mask.safetensors in the run folder")
      ->type_name("FILE");
  command->add_option("--apply", options->apply, "Also write the model, TorchScript, with the removed weights at zero")
      ->type_name("FILE");
  command->add_option("--seed", options->seed, "Random rankings and probes derive from it")
      ->check(checkSeed)
      ->capture_default_str();
  addRunFiles(*command, options->files);
  return [options](const Context& context) { return mask(*options, context); };
}

}  // namespace heft::cli
