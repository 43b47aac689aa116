#pragma once

namespace heft::cli {

/// From here on Ctrl-C and SIGTERM ask the work to stop at the next safe point (stopIfAsked); a second Ctrl-C ends the program at
/// once. Where no safe point comes for some seconds, since a single operator of the model takes longer, say, the program saves
/// what SaveAtHardStop knows, says so and ends with status 130 all the same.
void catchSignals();

/// The work is done: a signal changes nothing any more.
void ignoreSignals();

}  // namespace heft::cli
