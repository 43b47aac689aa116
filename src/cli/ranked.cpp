#include "cli/ranked.hpp"

#include <iostream>

#include "data/words.hpp"
#include "run/findings/findings.hpp"
#include "run/stored/json_text.hpp"
#include "run/text/verdict.hpp"

namespace heft::cli {
namespace {

std::string quoted(const std::string& argument) {
  const bool plain =
      !argument.empty() &&
      argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+") ==
          std::string::npos;
  if (plain) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string resumeCommand(const Context& context, const std::filesystem::path& folder, bool resumes) {
  std::string text;
  for (const auto& argument : context.arguments) text += (text.empty() ? "" : " ") + quoted(argument);
  if (!folder.empty()) text += " -o " + quoted(folder.string());
  if (!resumes) text += " --resume";
  return text;
}

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
  // A metric has two columns, and each estimate an error by each metric.
  const auto estimates = 2 * checkpoint.listed("estimate error ") / checkpoint.columns();
  return {Fault::interrupted, "stopped; " + counted(checkpoint.weights(), "measured weight") +
                                  (estimates > 0 ? " and " + counted(estimates, "estimate") : "") + " kept in " +
                                  folder.string() + ". Go on with: " + resume_command};
}

}  // namespace heft::cli
