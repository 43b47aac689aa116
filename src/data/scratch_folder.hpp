#pragma once

#include <filesystem>
#include <optional>

#include "data/leftovers.hpp"

namespace heft {

/// A new folder among the system's temporary ones, gone with all that it holds when this is. Throws Error(Fault::output)
/// where none can be made.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<Leftover> leftover_;
};

}  // namespace heft
