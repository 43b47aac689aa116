#pragma once

#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace heft::cli {

/// Shells that heft can be completed in: bash, fish, zsh.
[[nodiscard]] std::vector<std::string> shells();

/// A script for that shell: commands, options, and the values that options know. Files and folders are completed by the
/// shell itself.
[[nodiscard]] std::string bashCompletion(const CommandLineFacts& facts);
[[nodiscard]] std::string fishCompletion(const CommandLineFacts& facts);
[[nodiscard]] std::string zshCompletion(const CommandLineFacts& facts);

}  // namespace heft::cli
