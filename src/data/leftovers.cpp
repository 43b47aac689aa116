#include "data/leftovers.hpp"

#include <mutex>
#include <set>
#include <utility>

namespace heft {
namespace {

/// Never destroyed: files may be written until the program's last moment.
struct Registry {
  std::mutex mutex;
  std::multiset<std::filesystem::path> paths;
};

Registry& registry() {
  static auto* const only = new Registry;
  return *only;
}

}  // namespace

Leftover::Leftover(std::filesystem::path path) : path_(std::move(path)) {
  const std::lock_guard lock(registry().mutex);
  registry().paths.insert(path_);
}

Leftover::~Leftover() {
  const std::lock_guard lock(registry().mutex);
  registry().paths.erase(registry().paths.find(path_));
}

void removeLeftovers() noexcept {
  registry().mutex.lock();  // for good
  for (const auto& path : registry().paths) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
}

}  // namespace heft
