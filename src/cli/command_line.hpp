#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace heft::cli {

/// What may follow an option, or stand in a place of its own.
enum class ValueKind { none, file, folder, choice, other };

/// An option, or an argument that has a place and no name.
struct OptionFacts {
  std::vector<std::string> names;  ///< "-o", "--output"; empty for an argument by place
  std::string value;               ///< what stands for its value in the help: "FILE", "MODEL"; empty for a flag
  std::string description, fallback;
  ValueKind kind = ValueKind::none;
  std::vector<std::string> choices;  ///< of kind choice
  bool several = false;              ///< takes any number of values
  bool required = false;
};

struct CommandFacts {
  std::string name, description, footer;
  std::vector<OptionFacts> options;  ///< arguments by place first
};

/// The whole command line as plain values, read from the very objects that parse it: completions and the manual page are
/// made from it, so they can't tell of an option that isn't there.
struct CommandLineFacts {
  CommandFacts program;                ///< its options go with every command
  std::vector<CommandFacts> commands;  ///< in alphabetical order
};

[[nodiscard]] CommandLineFacts describeCommandLine(const CLI::App& program);

}  // namespace heft::cli
