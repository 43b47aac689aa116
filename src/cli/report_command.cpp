#include <filesystem>
#include <iostream>

#include "cli/command.hpp"
#include "data/atomic_file.hpp"
#include "data/memory.hpp"
#include "report/compared.hpp"
#include "report/page.hpp"
#include "report/page_data.hpp"
#include "run/findings/findings.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string run, file;
};

constexpr auto kFooter =
    R"(The page answers in words and pictures: what negative and positive weights do, whether large weights are important, which
weights affect which feature, what outliers do, what a shift in the data does, and what each layer, gate and neuron does. It
needs no network and can be sent as it is. What 'heft compare' left in the run folder is in it too.

Examples:
  heft report my-run
  heft report my-run -o page.html)";

/// As commands inside the page name it: without the folders above, which are nobody else's business.
std::string nameOf(const std::filesystem::path& folder) {
  const std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  const std::filesystem::path name = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return name.empty() ? "RUN" : name.string();
}

int report(const Options& options, const Context& context) {
  const std::filesystem::path folder(options.run);
  const std::filesystem::path file =
      options.file.empty() ? folder / "report.html" : std::filesystem::path(options.file);
  if (!options.file.empty()) requireWritable(file);
  const auto run = readRun(folder);
  if (options.file.empty()) requireWritable(file);
  const auto comparison = readComparison(folder);
  if (comparison.is_null() && std::filesystem::exists(folder / "comparison.json"))
    context.warn((folder / "comparison.json").string() +
                 " is damaged, so the page goes without it; 'heft compare' writes it anew");
  auto known = agreementsOf(comparison, run);
  const auto findings = known ? findingsOf(run, std::move(*known)) : findingsOf(run);
  const auto data = pageData(run, findings, comparison, nameOf(folder));
  const std::string text = pageText(data);
  if (options.file.empty()) AtomicFile::deleteLeftovers(folder);
  writeFile(file, text);
  if (context.json)
    std::cout << jsonText({{"file", file.string()}, {"bytes", text.size()}, {"verdict", data["verdict"]}}) << '\n';
  else
    std::cout << file.string() << ": " << bytesInWords(static_cast<double>(text.size())) << '\n';
  return 0;
}

}  // namespace

Action addReport(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("report", "Write a run as one HTML page that needs nothing else");
  command->footer(kFooter);
  command->add_option("RUN", options->run, "Run folder that heft rank wrote")->required();
  command->add_option("-o,--output", options->file, "File to write; left out: report.html in the run folder")
      ->type_name("FILE");
  return [options](const Context& context) { return report(*options, context); };
}

}  // namespace heft::cli
