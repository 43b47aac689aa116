#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heft::cli {

/// The values that an option knows by name, for shells to offer: those of "--path" are incoming, outgoing, recurrent, all.
/// Empty for options that take anything. But for --by, an option has one meaning, whatever the command.
[[nodiscard]] std::vector<std::string> choicesOf(std::string_view option, std::string_view command = "");

}  // namespace heft::cli
