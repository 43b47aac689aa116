#pragma once

namespace heft::cli {

/// From here on Ctrl-C and SIGTERM ask the work to stop at the next safe point; a second Ctrl-C ends the program at once.
void catchSignals();

/// Throws Error(Fault::interrupted) once a signal has come.
void stopIfAsked();

}  // namespace heft::cli
