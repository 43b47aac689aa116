#include "cli/signals.hpp"

#include <semaphore.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "data/hard_stop.hpp"
#include "data/leftovers.hpp"
#include "data/printable.hpp"
#include "data/stop.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

/// Between the signal and the end without the work's consent: five seconds are promised, one of them is for saving.
constexpr auto kPatience = std::chrono::milliseconds(3500);

/// Posted by the handler; semaphores are among the few things that one may touch.
sem_t signalled;

extern "C" void handleSignal(int signal) {
  const int kept = errno;
  askToStop();
  ::sem_post(&signalled);
  // Schedulers send SIGTERM more than once while a job saves its work; a second Ctrl-C is a person's.
  if (signal == SIGINT) std::signal(signal, SIG_DFL);
  errno = kept;
}

[[noreturn]] void endHard() {
  const auto kept = saveForHardStop();
  if (!kept) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));  // main returns
  }
  removeLeftovers();
  spdlog::error(printable(*kept, std::string::npos));
  std::_Exit(static_cast<int>(Fault::interrupted));
}

void watch() {
  while (::sem_wait(&signalled) != 0) {
  }
  std::this_thread::sleep_for(kPatience);
  endHard();
}

}  // namespace

void catchSignals() {
  ::sem_init(&signalled, 0, 0);
  try {
    std::thread(watch).detach();
  } catch (const std::system_error&) {  // no memory for one more thread: the next safe point has to do
  }
  std::signal(SIGINT, handleSignal);
  std::signal(SIGTERM, handleSignal);
}

void ignoreSignals() { workIsDone(); }

}  // namespace heft::cli
