#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "heft/error.hpp"
#include "measure/selection.hpp"
#include "run/export.hpp"
#include "run/json_text.hpp"
#include "run/run_folder.hpp"
#include "run/words.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, file, format = "csv";
  std::vector<std::string> parameters;
};

constexpr auto kFooter =
    R"(One row a weight: parameter, index, weight, impact, lower, upper, executed, standard_error, layer, direction, gate, unit, column.

Examples:
  heft export my-run
  heft export my-run --parameters 'rnn.weight_hh_l0[0:16,:]' -o rows.csv)";

int exportRun(const Options& options, const Context& context) {
  if (options.format != "csv") throw Error(Fault::usage, "--format " + options.format + ": csv was expected");
  const auto run = readRun(options.run);
  const auto selection = select(run.structure, options.parameters);
  const std::filesystem::path file =
      options.file.empty() ? std::filesystem::path(options.run) / "weights.csv" : std::filesystem::path(options.file);
  const auto rows = exportWeights(run, file, [&](std::size_t parameter, std::int64_t index) {
    return selection.contains(static_cast<std::int64_t>(parameter), index);
  });
  if (context.json)
    std::cout << jsonText({{"file", file.string()}, {"rows", rows}}) << '\n';
  else
    std::cout << file.string() << ": " << counted(rows, "weight") << '\n';
  return 0;
}

}  // namespace

Action addExport(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("export", "Write a run's impacts as a table for pandas, DuckDB or a spreadsheet");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("--parameters", options->parameters, "Only these: GLOB or GLOB[rows,columns]; several")
      ->type_name("GLOB...");
  command->add_option("--format", options->format, "csv")->capture_default_str();
  command->add_option("-o,--output", options->file, "File to write; left out: weights.csv in the run folder")
      ->type_name("FILE");
  return [options](const Context& context) { return exportRun(*options, context); };
}

}  // namespace heft::cli
