#include "data/stop.hpp"

#include <atomic>

#include "heft/error.hpp"

namespace heft {
namespace {

std::atomic<bool> asked = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal's handler may not wait");

}  // namespace

void askToStop() noexcept { asked.store(true, std::memory_order_relaxed); }

bool stopAsked() noexcept { return asked.load(std::memory_order_relaxed); }

void stopIfAsked() {
  if (stopAsked()) throw Error(Fault::interrupted, "stopped");
}

}  // namespace heft
