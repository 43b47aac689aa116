#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace heft {

// A single operator of a model may take minutes and can't be asked. Who then ends the process without its work's consent saves
// first what the work left word of here.

/// How long saving may wait for the work to let go of what is to be saved.
constexpr auto kSavingTime = std::chrono::milliseconds(700);

/// While it lives, `save` is what is done before the process ends without its own work's consent. Called on another thread, at
/// most once, and must take less than a second; returns the line that says what was kept. Of several the one made last counts.
class SaveAtHardStop {
 public:
  explicit SaveAtHardStop(std::function<std::string()> save);
  SaveAtHardStop(const SaveAtHardStop&) = delete;
  SaveAtHardStop& operator=(const SaveAtHardStop&) = delete;
  ~SaveAtHardStop();
};

/// Saves, and returns the line that says what was kept. From here on no SaveAtHardStop comes or goes: whoever calls this ends the
/// process. Nothing where the work was done before.
[[nodiscard]] std::optional<std::string> saveForHardStop();

/// The work is done, there is nothing left to save.
void workIsDone();

}  // namespace heft
