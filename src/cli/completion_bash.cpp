#include "cli/completion.hpp"
#include "data/words.hpp"

namespace heft::cli {
namespace {

std::vector<std::string> namesOf(const std::vector<OptionFacts>& options) {
  std::vector<std::string> names;
  for (const auto& option : options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// What to offer, in the variables that the script's end reads.
std::string offer(const OptionFacts& option) {
  switch (option.kind) {
    case ValueKind::file:
      return "kind=file";
    case ValueKind::folder:
      return "kind=folder";
    case ValueKind::choice:
      return "kind=choice words='" + joined(option.choices, " ") + "'";
    case ValueKind::none:
    case ValueKind::other:
      break;
  }
  return "kind=other";
}

/// The lines of a case that say what follows each option of a command ("" for the program's own).
std::string optionCases(const CommandFacts& command, const std::string& prefix) {
  std::string text;
  for (const auto& option : command.options) {
    if (option.names.empty() || option.kind == ValueKind::none) continue;
    std::vector<std::string> patterns;
    for (const auto& name : option.names) patterns.push_back("'" + prefix + name + "'");
    text += "    " + joined(patterns, "|") + ") " + offer(option) + (option.several ? " several=1" : "") + " ;;\n";
  }
  return text;
}

/// What stands by its place in a command, and its options.
std::string commandCase(const CommandFacts& command) {
  std::string text = "    " + command.name + ")\n      options='" + joined(namesOf(command.options), " ") + "'\n";
  for (const auto& option : command.options) {
    if (!option.names.empty()) continue;
    return text + "      place=\"" + offer(option) + "\" ;;\n";
  }
  return text + "      ;;\n";
}

constexpr auto kBegin = R"(# bash completion for heft, made by "heft completion bash"

_heft() {
  local current=${COMP_WORDS[COMP_CWORD]} command= option= distance=0 kind=none words= several= options= place= word i
  local -a before=()
  COMPREPLY=()
  # The words before the cursor; bash takes "--name=value" for three.
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == = ]] || before+=("${COMP_WORDS[i]}")
  done
  for word in "${before[@]}"; do
    case $word in
      @COMMANDS@) command=$word; break ;;
    esac
  done
  # The last option, and how many words ago it was.
  for ((i = ${#before[@]} - 1; i >= 0; --i)); do
    ((++distance))
    if [[ ${before[i]} == -* ]]; then
      option=${before[i]}
      break
    fi
  done
  [[ $current == = ]] && current=
)";

constexpr auto kEnd = R"(  # An option with one value asks for nothing after it.
  if [[ $kind != none && $distance -gt 1 && -z $several ]]; then
    kind=none
  fi
  if [[ $current == -* && ( $kind == none || -n $several || $distance -gt 1 ) ]]; then
    kind=choice words=$options
  elif [[ $kind == none && -z $command ]]; then
    kind=choice words='@WORDS@'
  elif [[ $kind == none && -n $place ]]; then
    eval "$place"
  fi
  case $kind in
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folder)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    choice)
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      # What ends in ":" goes on with a number.
      [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}

complete -F _heft heft
)";

std::string with(std::string text, const std::string& mark, const std::string& value) {
  return text.replace(text.find(mark), mark.size(), value);
}

}  // namespace

std::string bashCompletion(const CommandLineFacts& facts) {
  std::vector<std::string> commands;
  for (const auto& command : facts.commands) commands.push_back(command.name);
  auto text = with(kBegin, "@COMMANDS@", joined(commands, "|"));
  text += "  case $command in\n";
  for (const auto& command : facts.commands) text += commandCase(command);
  text += "  esac\n  options+=' " + joined(namesOf(facts.program.options), " ") + "'\n";
  text += "  case \"$command $option\" in\n";
  for (const auto& command : facts.commands) text += optionCases(command, command.name + " ");
  text += "  esac\n  case $option in\n" + optionCases(facts.program, "") + "  esac\n";
  return text + with(kEnd, "@WORDS@", joined(commands, " "));
}

}  // namespace heft::cli
