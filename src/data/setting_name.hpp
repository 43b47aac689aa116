#pragma once

#include <string>
#include <string_view>

namespace heft {

/// What a setting is called where a message will be read. In a program it is its plain name ("targets", "output"); the command line
/// puts its option in place ("--targets", "-o").
[[nodiscard]] std::string settingName(std::string_view name);

/// Has settings called so from here on, in the whole process; before anything runs.
void nameSettings(std::string (*called)(std::string_view name));

}  // namespace heft
