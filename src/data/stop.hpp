#pragma once

namespace heft {

// Work that goes on for minutes runs on several threads, inside LibTorch's interpreter and its autograd, where no argument of ours
// arrives; so whether it is to stop is known to the whole process.

/// Asks all work of this process to stop. May be called by a signal's handler. It is not taken back.
void askToStop() noexcept;

[[nodiscard]] bool stopAsked() noexcept;

/// Throws Error(Fault::interrupted) once the work is to stop.
void stopIfAsked();

}  // namespace heft
