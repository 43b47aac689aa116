#include "cli/ranked.hpp"

#include <iostream>

#include "run/findings.hpp"
#include "run/json_text.hpp"
#include "run/verdict.hpp"
#include "run/words.hpp"

namespace heft::cli {

void reportRun(const Context& context, const Run& run, const std::filesystem::path& folder) {
  const auto findings = findingsOf(run);
  if (context.json) {
    auto summary = summaryJson(run, findings);
    summary["run"] = folder.string();
    std::cout << jsonText(summary) << '\n';
    return;
  }
  std::cout << verdict(run, findings);
  std::cout << "\nrun folder: " << folder.string() << "  (heft verify " << folder.string() << " checks it)\n";
}

void keepMeasured(Checkpoint& checkpoint, UndoUnlessKept& undo) {
  if (checkpoint.empty()) return;
  undo.keep();
  try {
    checkpoint.flush();
  } catch (const Error&) {  // a full disk, which is what ended the run, then
  }
}

void tellKept(const Context& context, const Checkpoint& checkpoint, const std::string& resume_command) {
  if (!checkpoint.empty()) context.log("what the checkpoint holds is kept; go on with: " + resume_command);
}

Error stoppedError(const Checkpoint& checkpoint, const std::filesystem::path& folder,
                   const std::string& resume_command) {
  return {Fault::interrupted, "stopped; " + counted(checkpoint.weights(), "measured weight") + " kept in " +
                                  folder.string() + ". Go on with: " + resume_command};
}

}  // namespace heft::cli
