#include "cli/completion.hpp"
#include "data/words.hpp"

namespace heft::cli {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// -s and -l of every name.
std::string names(const OptionFacts& option) {
  std::string text;
  for (const auto& name : option.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return text;
}

/// What may follow: files by fish itself, folders by its own function, words from the list.
std::string values(const OptionFacts& option) {
  switch (option.kind) {
    case ValueKind::none:
      return "";
    case ValueKind::file:
      return " -r -F";
    case ValueKind::folder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::choice:
      return " -x -a " + quoted(joined(option.choices, " "));
    case ValueKind::other:
      break;
  }
  return " -x";
}

std::string line(const OptionFacts& option, const std::string& condition) {
  // What stands by its place is no option's value: nothing is required there.
  auto what = values(option);
  if (option.names.empty()) {
    if (option.kind == ValueKind::file) what = " -F";
    if (option.kind == ValueKind::folder) what = " -f -a '(__fish_complete_directories)'";
    if (option.kind == ValueKind::choice) what = " -f -a " + quoted(joined(option.choices, " "));
    return "complete -c heft" + condition + what + "\n";
  }
  return "complete -c heft" + condition + names(option) + what + " -d " + quoted(option.description) + "\n";
}

}  // namespace

std::string fishCompletion(const CommandLineFacts& facts) {
  std::string text = "# fish completion for heft, made by \"heft completion fish\"\n\ncomplete -c heft -f\n";
  for (const auto& option : facts.program.options) text += line(option, "");
  for (const auto& command : facts.commands)
    text +=
        "complete -c heft -n __fish_use_subcommand -a " + command.name + " -d " + quoted(command.description) + "\n";
  for (const auto& command : facts.commands) {
    const auto condition = " -n '__fish_seen_subcommand_from " + command.name + "'";
    for (const auto& option : command.options) text += line(option, condition);
  }
  return text;
}

}  // namespace heft::cli
