#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "data/stop.hpp"

namespace heft::cli {

/// From here on Ctrl-C and SIGTERM ask the work to stop at the next safe point (stopIfAsked); a second Ctrl-C ends the program at
/// once. Where no safe point comes for some seconds, since a single operator of the model takes longer, say, the program saves
/// what SaveAtHardStop knows, says so and ends with status 130 all the same.
void catchSignals();

/// The work is done: a signal changes nothing any more.
void ignoreSignals();

/// How long the saving may wait for the work to let go of what is to be saved.
constexpr auto kSavingTime = std::chrono::milliseconds(700);

/// While it lives, `save` is what the program does before it ends without its own work's consent. Called on another thread, at
/// most once, and must take less than a second; returns the line that says what was kept. Of several the one made last counts.
class SaveAtHardStop {
 public:
  explicit SaveAtHardStop(std::function<std::string()> save);
  SaveAtHardStop(const SaveAtHardStop&) = delete;
  SaveAtHardStop& operator=(const SaveAtHardStop&) = delete;
  ~SaveAtHardStop();
};

}  // namespace heft::cli
