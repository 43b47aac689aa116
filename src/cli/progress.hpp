#pragma once

#include <chrono>
#include <string>

namespace heft::cli {

/// Shows how far a long job is and the time left, on standard error: one line that is rewritten on a terminal, plain lines
/// now and then elsewhere. Stages shorter than two seconds stay silent.
class Progress {
 public:
  /// `quiet` shows nothing.
  explicit Progress(bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  /// `share` from 0 to 1; a new stage begins whenever its name changes or its share falls.
  void update(const std::string& stage, double share);
  /// Leaves the line, so that other text may follow.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_, shown_ = false;
  std::string stage_;
  double share_ = 0;
  Clock::time_point stage_began_, last_shown_;
};

/// "45 s", "12 min", "3.5 h", "4 days".
std::string duration(double seconds);

}  // namespace heft::cli
