#include "cli/command_line.hpp"

#include <algorithm>

#include "cli/choices.hpp"
#include "cli/completion.hpp"
#include "cli/topics.hpp"

namespace heft::cli {
namespace {

/// Without "...", which says that there may be several.
std::string plainValue(std::string text) {
  const auto dots = text.find("...");
  return dots == std::string::npos ? text : text.substr(0, dots);
}

std::vector<std::string> choicesByPlace(const std::string& value, const CLI::App& program) {
  std::vector<std::string> choices;
  if (value == "SHELL") choices = shells();
  if (value == "TOPIC") {
    for (const auto& topic : topics()) choices.emplace_back(topic.name);
    for (const auto* command : program.get_subcommands([](const CLI::App*) { return true; }))
      choices.push_back(command->get_name());
  }
  return choices;
}

ValueKind kindOf(const std::string& value) {
  if (value == "FILE" || value == "MODEL") return ValueKind::file;
  return value.starts_with("RUN") ? ValueKind::folder : ValueKind::other;
}

OptionFacts describe(const CLI::Option& option, const CLI::App& command, const CLI::App& program) {
  OptionFacts facts;
  for (const auto& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.description = option.get_description();
  facts.fallback = option.get_default_str();
  facts.required = option.get_required();
  facts.several = option.get_items_expected_max() > 1;
  if (option.get_positional()) {
    facts.value = option.get_name(true);
    facts.choices = choicesByPlace(facts.value, program);
    facts.kind = facts.choices.empty() ? kindOf(facts.value) : ValueKind::choice;
  } else if (option.get_items_expected_max() > 0) {
    facts.value = plainValue(option.get_type_name());
    facts.choices = choicesOf(facts.names.back(), command.get_name());
    facts.kind = facts.choices.empty() ? kindOf(facts.value) : ValueKind::choice;
  }
  return facts;
}

CommandFacts describe(const CLI::App& app, const CLI::App& program) {
  CommandFacts facts{app.get_name(), app.get_description(), app.get_footer(), {}};
  for (const auto* option : app.get_options()) facts.options.push_back(describe(*option, app, program));
  std::stable_partition(facts.options.begin(), facts.options.end(),
                        [](const OptionFacts& option) { return option.names.empty(); });
  return facts;
}

}  // namespace

CommandLineFacts describeCommandLine(const CLI::App& program) {
  CommandLineFacts facts{describe(program, program), {}};
  for (const auto* command : program.get_subcommands([](const CLI::App*) { return true; }))
    facts.commands.push_back(describe(*command, program));
  std::sort(facts.commands.begin(), facts.commands.end(),
            [](const CommandFacts& a, const CommandFacts& b) { return a.name < b.name; });
  return facts;
}

}  // namespace heft::cli
