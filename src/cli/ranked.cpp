#include "cli/ranked.hpp"

#include <iostream>

#include "heft/error.hpp"
#include "run/findings.hpp"
#include "run/json_text.hpp"
#include "run/verdict.hpp"

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

}  // namespace heft::cli
