#pragma once

#include <string>

#include "cli/command_line.hpp"

namespace heft::cli {

/// The manual page heft(1), as troff with the macros "man": every command with its options, every help topic.
[[nodiscard]] std::string manPage(const CommandLineFacts& facts);

}  // namespace heft::cli
