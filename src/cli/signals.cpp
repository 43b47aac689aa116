#include "cli/signals.hpp"

#include <semaphore.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "data/leftovers.hpp"
#include "data/printable.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

/// Between the signal and the end without the work's consent: five seconds are promised, one of them is for saving.
constexpr auto kPatience = std::chrono::milliseconds(3500);

/// Posted by the handler; semaphores are among the few things that one may touch.
sem_t signalled;

std::mutex saving;  ///< guards the two below; held for good once the program ends
std::vector<std::function<std::string()>> saves;
bool done = false;

extern "C" void handleSignal(int signal) {
  const int kept = errno;
  askToStop();
  ::sem_post(&signalled);
  // Schedulers send SIGTERM more than once while a job saves its work; a second Ctrl-C is a person's.
  if (signal == SIGINT) std::signal(signal, SIG_DFL);
  errno = kept;
}

[[noreturn]] void endHard() {
  saving.lock();
  if (done) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));  // main returns
  }
  const std::string text = saves.empty() ? "stopped" : saves.back()();
  removeLeftovers();
  spdlog::error(printable(text, std::string::npos));
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

void ignoreSignals() {
  const std::lock_guard lock(saving);
  done = true;
}

SaveAtHardStop::SaveAtHardStop(std::function<std::string()> save) {
  const std::lock_guard lock(saving);
  saves.push_back(std::move(save));
}

SaveAtHardStop::~SaveAtHardStop() {
  const std::lock_guard lock(saving);
  saves.pop_back();
}

}  // namespace heft::cli
