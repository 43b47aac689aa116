#pragma once

#include <functional>
#include <string>

namespace heft {

class Selection;
class Session;

/// What a job tells whoever started it, on that one's thread. A function that isn't there is told nothing; each may throw to stop
/// the job.
struct JobEvents {
  std::function<void(const std::string& stage, double share)> progress;
  std::function<void(const std::string& line)> log;
  /// The model is loaded and has run on its inputs; nothing was measured yet.
  std::function<void(const Session&, const Selection&)> opened;

  void say(const std::string& line) const {
    if (log) log(line);
  }
  void tell(const std::string& stage, double share) const {
    if (progress) progress(stage, share);
  }
};

}  // namespace heft
