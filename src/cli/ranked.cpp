#include "cli/ranked.hpp"

#include <iostream>

#include "data/stop.hpp"
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

JobEvents eventsOf(const Context& context, Progress& progress) {
  JobEvents events;
  events.progress = [&progress](const std::string& stage, double share) {
    progress.update(stage, share);
    stopIfAsked();
  };
  events.log = [&context, &progress](const std::string& line) {
    progress.stop();
    context.log(line);
  };
  return events;
}

void reportRanked(const Context& context, const Ranked& ranked, const std::filesystem::path& folder) {
  const auto& run = ranked.run;
  if (!ranked.before) {
    for (auto i = ranked.told_notes; i < run.notes.size(); ++i) context.warn(run.notes[i]);
  }
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

}  // namespace heft::cli
