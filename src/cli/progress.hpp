#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace heft::cli {

/// How a long job says how far it is, always on standard error.
enum class ProgressStyle {
  none,
  terminal,  ///< one line that is rewritten
  plain,     ///< a line now and then
  json       ///< a JSON object a line: stage, share, seconds_elapsed, seconds_left
};

/// Reads --progress: "auto" (rewritten on a terminal, plain lines elsewhere), "none", "plain" or "json". Throws
/// Error(Fault::usage).
ProgressStyle parseProgress(std::string_view text);

/// Shows how far a long job is and the time left. For people, stages shorter than two seconds stay silent; as JSON, each
/// stage is told at its beginning, once a second, and at its end.
class Progress {
 public:
  explicit Progress(ProgressStyle style) : style_(style) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { stop(); }

  /// `share` from 0 to 1; a new stage begins whenever its name changes or its share falls.
  void update(const std::string& stage, double share);
  /// The stage is done; other text may follow.
  void finish();
  /// The stage ends where it is, as when an error comes; other text may follow.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  void begin(const std::string& stage);
  /// Whether it is time for another line, `elapsed` seconds into the stage.
  [[nodiscard]] bool isDue(double elapsed) const;
  void show(double elapsed);

  ProgressStyle style_;
  bool shown_ = false;
  std::string stage_;
  double share_ = 0;
  Clock::time_point stage_began_, last_shown_;
};

/// "45 s", "12 min", "3.5 h", "4 days".
std::string duration(double seconds);
/// "310 us", "640 ms", "1.4 s": shorter times than duration() tells apart, too.
std::string shortTime(double seconds);

}  // namespace heft::cli
