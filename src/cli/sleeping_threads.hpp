#pragma once

namespace heft::cli {

/// Begins the program anew with OMP_WAIT_POLICY=passive, where nobody has chosen how OpenMP's threads wait: by themselves they spin for
/// milliseconds, and beside other work on the machine each then waits for one that can't run because it spins. OpenMP reads the
/// environment while it is loaded, so this belongs in front of all libraries (.preinit_array): nothing may be used but the system's
/// calls. Returns where there is nothing to do, or no way to do it.
void letThreadsSleep(int count, char** arguments, char** environment);

}  // namespace heft::cli
