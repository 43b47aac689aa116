#include "data/hard_stop.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace heft {
namespace {

std::mutex saving;  ///< guards the two below; held for good once the process ends
std::vector<std::function<std::string()>> saves;
bool done = false;

}  // namespace

SaveAtHardStop::SaveAtHardStop(std::function<std::string()> save) {
  const std::lock_guard lock(saving);
  saves.push_back(std::move(save));
}

SaveAtHardStop::~SaveAtHardStop() {
  const std::lock_guard lock(saving);
  saves.pop_back();
}

std::optional<std::string> saveForHardStop() {
  saving.lock();
  if (done) return std::nullopt;
  return saves.empty() ? "stopped" : saves.back()();
}

void workIsDone() {
  const std::lock_guard lock(saving);
  done = true;
}

}  // namespace heft
