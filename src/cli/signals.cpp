#include "cli/signals.hpp"

#include <atomic>
#include <csignal>

#include "heft/error.hpp"

namespace heft::cli {
namespace {

volatile std::sig_atomic_t asked = 0;

extern "C" void handleSignal(int signal) {
  asked = 1;
  // Schedulers send SIGTERM more than once while a job saves its work; a second Ctrl-C is a person's.
  if (signal == SIGINT) std::signal(signal, SIG_DFL);
}

}  // namespace

void catchSignals() {
  std::signal(SIGINT, handleSignal);
  std::signal(SIGTERM, handleSignal);
}

void stopIfAsked() {
  if (asked != 0) throw Error(Fault::interrupted, "stopped");
}

}  // namespace heft::cli
