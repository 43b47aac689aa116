#include <iostream>

#include "cli/ablation.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "data/stop.hpp"
#include "data/words.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/options.hpp"
#include "measure/rank/what_if.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

struct Options {
  RankOptions rank;
  std::vector<std::string> components;
  bool together = false;
};

constexpr auto kFooter = R"(Names of components (heft inspect MODEL --inputs FILE lists parameters, layers and gates):
  lstm.weight_hh_l0[12,7]           a weight
  lstm.weight_hh_l0[12,:]           a row; [:,7] a column; [0:16,4:8] a part; negative numbers count from the end
  lstm.weight_hh_l0                 a matrix, or any parameter: lstm.bias_ih_l0
  lstm.weight_hh_l0:gate=forget     a gate's rows of one parameter
  lstm.l0:gate=forget               a gate of a layer: its rows in all its parameters
  lstm.l0:unit=12                   a unit, by each of its paths: incoming, outgoing, recurrent, all
  lstm.l0:unit=12:path=incoming     a unit by one of them
  lstm.l0                           a layer in one direction; lstm.l0_reverse the other
  fc                                elsewhere: a module's parameters

Examples:
  heft ablate model.pt --inputs x.pt --component 'lstm.weight_hh_l0[12,7]'
  heft ablate model.pt --inputs x.pt --targets y.pt --component lstm.l0:unit=12
  heft ablate model.pt --inputs x.pt --component lstm.l0:gate=input --component lstm.l0:gate=forget --together)";

/// A unit that names no path stands for each of them.
std::vector<Component> expanded(const Structure& structure, const std::string& name) {
  auto whole = parseComponent(structure, name);
  if (whole.level != Level::unit || name.find("path=") != std::string::npos) return {std::move(whole)};
  std::vector<Component> paths;
  for (const auto path : kUnitPaths) {
    if (path == UnitPath::all) continue;
    try {
      paths.push_back(parseComponent(structure, whole.name + ":path=" + std::string(heft::name(path))));
    } catch (const Error&) {
      // The unit has no weights on this path.
    }
  }
  paths.push_back(std::move(whole));
  return paths;
}

int ablate(const Options& options, const Context& context) {
  const auto read = settingsOf(options.rank);
  const WhatIfSettings settings{read.metrics, read.perturbation, read.seed};
  if (options.together && options.components.size() < 2)
    throw Error(Fault::usage, "--together joins several components; give --component NAME at least twice");

  auto opened = sessionOf(static_cast<const ModelOptions&>(options.rank));
  opened.seed = settings.seed;
  setThreads(options.rank.threads);
  Session session(opened);
  std::vector<Component> components, named;
  for (const auto& name : options.components) {
    for (auto& one : expanded(session.structure(), name)) components.push_back(std::move(one));
    named.push_back(parseComponent(session.structure(), name));
  }
  if (options.together) components.push_back(together(named));

  context.log("model   " + session.options().model.string() + ": " +
              grouped(static_cast<size_t>(weightCount(session.model()))) + " weights; " +
              describeModel(session.structure()));
  context.log("inputs  " + session.batch().note);
  for (const auto& note : session.notes()) {
    if (note != session.batch().note) context.warn(note);
  }
  Ablation ablation{session.options().model.string(),
                    session.layout().describe(),
                    settings.perturbation.text(),
                    settings.seed,
                    weightCount(session.model()),
                    {},
                    options.together,
                    session.notes()};
  Progress progress(context.progress);
  ablation.report = askWhatIf(session, settings, components, [&](double share) {
    progress.update("executing components", share);
    stopIfAsked();
  });
  progress.finish();
  std::cout << (context.json ? jsonText(ablationJson(ablation)) : ablationText(ablation)) << std::flush;
  return 0;
}

}  // namespace

Action addAblate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  options->rank.metrics.clear();
  auto* command = program.add_subcommand(
      "ablate", "Ask what a change of some weights does to the output: by metric, output and sample");
  command->footer(kFooter);
  addModelOptions(*command, options->rank, true);
  command
      ->add_option("--component", options->components,
                   "What is changed: a weight, row, column, unit, gate, matrix, layer, by the names below; several")
      ->type_name("NAME...")
      ->required();
  command->add_flag("--together", options->together, "All components at once too");
  addMeasuringOptions(*command, options->rank);
  command->get_option("--metric")
      ->description(alternatives(metricNames()) + "; several; left out: all that apply")
      ->default_str("");
  return [options](const Context& context) { return ablate(*options, context); };
}

}  // namespace heft::cli
