#include <iostream>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "data/atomic_file.hpp"
#include "data/printable.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/weights/selection.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/export.hpp"
#include "run/folder/export_components.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string run, file, format, table;
  std::vector<std::string> parameters;
};

constexpr auto kFooter =
    R"(csv: one row a weight: parameter, index, weight, impact, lower, upper, executed, standard_error, layer, direction, gate, unit,
column. npz: the same, an array a column. safetensors: "impact/NAME", "weight/NAME", "lower/NAME", "upper/NAME",
"standard_error/NAME" and "executed/NAME" for each parameter, of its shape, NaN for weights that are left out.

--table components, and where single weights were not measured: one row a component (unit, gate, layer, …): name, level, layer,
gate, path, unit, weights, impact, standard_error, sum, magnitude, and after heft rank --by, "impact[class=3]" and
"standard_error[class=3]" for each class, step, output or label.

Examples:
  heft export my-run
  heft export my-run --parameters 'rnn.weight_hh_l0[0:16,:]' -o rows.csv
  heft export my-run --format npz
  heft export my-run --table components -o units.csv

And in Python:
  pandas.read_csv("my-run/weights.csv")                     # or duckdb.sql("select * from 'my-run/weights.csv'")
  pandas.DataFrame(dict(numpy.load("my-run/weights.npz")))  # a third of the size, half the time
  safetensors.numpy.load_file("my-run/weights.safetensors")["impact/rnn.weight_hh_l0"])";

struct Format {
  const char* name;
  std::size_t (*weights)(const Run& run, const fs::path& file, const KeepWeight& keep);
  std::size_t (*components)(const Run& run, const fs::path& file);
};
constexpr Format kFormats[] = {{"csv", exportWeights, exportComponents},
                               {"npz", exportNpz, exportComponentsNpz},
                               {"safetensors", exportSafetensors, exportComponentsSafetensors}};
constexpr const char* kWeights = "weights";
constexpr const char* kComponents = "component-impacts";  // components.csv is the run's own

/// The one asked for, else the one that the file's ending says, else csv.
const Format& formatOf(const Options& options) {
  for (const auto& one : kFormats) {
    if (options.format.empty() ? options.file.ends_with(std::string(".") + one.name) : options.format == one.name)
      return one;
  }
  if (!options.format.empty())
    throw Error(Fault::usage, "--format " + options.format + ": csv, npz or safetensors was expected");
  return kFormats[0];
}

/// impact.safetensors and its like are what the run is made of.
void refuseRunFile(const fs::path& folder, const fs::path& file) {
  std::error_code ignored;
  const auto parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (file.stem() != kWeights && file.stem() != kComponents && fs::exists(file, ignored) &&
      fs::equivalent(parent, folder, ignored))
    throw Error(Fault::output, printablePath(file) + ": is a file of the run; choose another -o");
}

/// Whether components are written and not weights: where that is asked for, or nothing else is there.
bool writesComponents(const Options& options, const Run& run) {
  if (!options.table.empty() && options.table != "weights" && options.table != "components")
    throw Error(Fault::usage, "--table " + options.table + ": weights or components was expected");
  const bool alone = !run.components.empty() && !measuresWeights(run);
  const bool components = options.table == "components" || (options.table.empty() && alone);
  if (components && run.components.empty())
    throw Error(Fault::output, options.run + ": has no components; 'heft rank --components unit' measures them");
  if (components && !options.parameters.empty())
    throw Error(Fault::usage,
                "--parameters: picks single weights, the table of components is written whole; leave it "
                "out, or add --table weights");
  if (options.table == "weights" && !measuresWeights(run))
    throw Error(Fault::output,
                options.run + ": has no impacts of single weights; --table components writes those it has");
  return components;
}

int exportRun(const Options& options, const Context& context) {
  const auto& format = formatOf(options);
  if (!options.file.empty()) requireWritable(options.file);
  const auto run = readRun(options.run);
  const bool components = writesComponents(options, run);
  const fs::path file =
      options.file.empty()
          ? fs::path(options.run) / (std::string(components ? kComponents : kWeights) + "." + format.name)
          : fs::path(options.file);
  refuseRunFile(options.run, file);
  requireWritable(file);
  const auto selection = select(run.structure, options.parameters);
  KeepWeight keep;
  if (!options.parameters.empty())
    keep = [&](std::size_t p, std::int64_t index) { return selection.contains(static_cast<std::int64_t>(p), index); };
  if (options.file.empty()) AtomicFile::deleteLeftovers(options.run);
  const auto rows = components ? format.components(run, file) : format.weights(run, file, keep);
  if (context.json)
    std::cout << jsonText({{"file", file.string()}, {"rows", rows}, {"table", components ? "components" : "weights"}})
              << '\n';
  else
    std::cout << file.string() << ": " << counted(rows, components ? "component" : "weight") << '\n';
  return 0;
}

}  // namespace

Action addExport(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("export", "Write a run's impacts for pandas, DuckDB, NumPy or a spreadsheet");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("--parameters", options->parameters, "Only these: GLOB or GLOB[rows,columns]; several")
      ->type_name("GLOB...");
  command->add_option("--format", options->format, "csv, npz or safetensors; left out: by the file's ending, else csv")
      ->type_name("NAME");
  command->add_option("--table", options->table, "weights or components; left out: weights, where there are any")
      ->type_name("NAME");
  command->add_option("-o,--output", options->file, "File to write; left out: weights.csv (.npz, …) in the run folder")
      ->type_name("FILE");
  return [options](const Context& context) { return exportRun(*options, context); };
}

}  // namespace heft::cli
