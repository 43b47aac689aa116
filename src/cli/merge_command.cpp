#include <memory>

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/ranked.hpp"
#include "cli/run_files.hpp"
#include "engine/forward/device.hpp"
#include "job/merge_job.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::vector<std::filesystem::path> parts;
  std::string run, device;
  RunFileOptions files;
  bool allow_partial = false, resume = false;
};

constexpr auto kFooter =
    R"(The run is the one that heft rank makes alone, bit for bit, whatever the number of parts and their order. The model and the
inputs are needed once more; where the method is auto, the few variants that no part has executed are executed here.
Refused: parts that are missing, unfinished, given twice, or of other models, inputs, settings or versions.

Examples:
  heft merge parts/* -o my-run
  heft merge parts/* -o my-run --resume
  heft merge parts/1 parts/3 -o what-there-is --allow-partial
  heft merge parts/* -o my-run --model moved/model.pt --inputs moved/x.npy)";

int merge(const Options& options, const Context& context) {
  const MergeJob job{options.parts,  options.allow_partial, options.files.files,
                     options.device, options.files.threads, resumeCommand(context, {}, options.resume)};
  setThreads(job.threads);
  Progress progress(context.progress);
  const auto ranked = mergeIn(
      job, [&] { return options.resume ? RunFolder::resume(options.run) : RunFolder::create(options.run); },
      eventsOf(context, progress));
  progress.finish();
  if (ranked.before) context.log("the run is finished already; nothing was merged");
  reportRanked(context, ranked, options.run);
  return 0;
}

}  // namespace

Action addMerge(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("merge", "Join the parts that heft rank --shard measured into one run");
  command->footer(kFooter);
  addPaths(*command, "DIR", options->parts, "Folders of the parts, in any order")->required()->type_name("DIR...");
  command->add_option("-o,--output", options->run, "Run folder to write")->required()->type_name("RUN");
  command->add_flag("--allow-partial", options->allow_partial,
                    "Make a run of the parts there are; it says what is missing");
  command->add_flag("--resume", options->resume, "Go on with a merge into RUN that was killed");
  addRunFiles(*command, options->files);
  command->add_option(
      "--device", options->device,
      "cpu, cuda, cuda:N or several (cuda:0,cuda:1; cuda:all); left out: where the first part was measured");
  return [options](const Context& context) { return merge(*options, context); };
}

}  // namespace heft::cli
