#include "cli/completion.hpp"
#include "data/words.hpp"

namespace heft::cli {
namespace {

/// Inside single quotes, in a specification of _arguments, where colons and brackets have a meaning.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == ':' || c == '[' || c == ']' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string action(const OptionFacts& option) {
  switch (option.kind) {
    case ValueKind::file:
      return "_files";
    case ValueKind::folder:
      return "_files -/";
    case ValueKind::choice: {
      std::vector<std::string> words;
      for (const auto& word : option.choices) words.push_back(escaped(word));
      return "(" + joined(words, " ") + ")";
    }
    case ValueKind::none:
    case ValueKind::other:
      break;
  }
  return " ";
}

/// The arguments of _arguments for one command, a line each.
std::string specifications(const CommandFacts& command, const std::string& indent) {
  std::string text;
  for (const auto& option : command.options) {
    const auto value = escaped(option.value.empty() ? "value" : option.value);
    if (option.names.empty()) {
      text += indent + "'" + (option.required ? "" : ":") + ":" + value + ":" + action(option) + "' \\\n";
      continue;
    }
    for (const auto& name : option.names) {
      text += indent + "'*" + name + "[" + escaped(option.description) + "]";
      if (option.kind != ValueKind::none) text += (option.several ? ":*-*:" : ":") + value + ":" + action(option);
      text += "' \\\n";
    }
  }
  return text;
}

}  // namespace

std::string zshCompletion(const CommandLineFacts& facts) {
  std::string text =
      "#compdef heft\n# zsh completion for heft, made by \"heft completion zsh\"\n\n_heft() {\n"
      "  local context state state_descr line\n  typeset -A opt_args\n  local -a commands=(\n";
  for (const auto& command : facts.commands)
    text += "    '" + command.name + ":" + escaped(command.description) + "'\n";
  const auto shared = specifications(facts.program, "        ");
  text += "  )\n  _arguments -C \\\n" + specifications(facts.program, "    ") +
          "    '1:command:->command' \\\n    '*::argument:->arguments'\n"
          "  case $state in\n    command) _describe command commands ;;\n    arguments)\n      case $words[1] in\n";
  for (const auto& command : facts.commands) {
    text += "      " + command.name + ")\n        _arguments \\\n" + specifications(command, "        ") + shared +
            "        && return ;;\n";
  }
  return text +
         "      esac ;;\n  esac\n}\n\nif [ \"$funcstack[1]\" = \"_heft\" ]; then\n  _heft \"$@\"\nelse\n  compdef "
         "_heft heft\nfi\n";
}

}  // namespace heft::cli
