#include "cli/progress.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace heft::cli {
namespace {

constexpr double kSilent = 2;           // seconds
constexpr double kTerminalEvery = 0.2;  // seconds
constexpr double kPlainEvery = 15;      // seconds

double since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

std::string duration(double seconds) {
  char text[32];
  if (seconds < 90)
    std::snprintf(text, sizeof text, "%.0f s", std::max(seconds, 0.0));
  else if (seconds < 90 * 60)
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  else if (seconds < 48 * 3600)
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  else
    std::snprintf(text, sizeof text, "%.0f days", seconds / 86400);
  return text;
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::update(const std::string& stage, double share) {
  if (quiet_) return;
  if (stage != stage_ || share < share_) {
    finish();
    stage_ = stage;
    stage_began_ = last_shown_ = Clock::now();
  }
  share_ = share;
  const double elapsed = since(stage_began_);
  if (elapsed < kSilent || since(last_shown_) < (terminal_ ? kTerminalEvery : shown_ ? kPlainEvery : kSilent)) return;
  last_shown_ = Clock::now();
  char line[160];
  // From less, the time left would be told hours off.
  if (share < 0.02) {
    std::snprintf(line, sizeof line, "%s: %.0f %%", stage.c_str(), std::floor(100 * share));
  } else {
    std::snprintf(line, sizeof line, "%s: %.0f %%, %s left", stage.c_str(), std::floor(100 * share),
                  duration(elapsed * (1 - share) / share).c_str());
  }
  if (terminal_)
    std::fprintf(stderr, "\r%-78s", line);
  else
    std::fprintf(stderr, "%s\n", line);
  std::fflush(stderr);
  shown_ = true;
}

void Progress::finish() {
  if (shown_ && terminal_) std::fprintf(stderr, "\r%78s\r", "");
  shown_ = false;
  stage_.clear();
  share_ = 0;
}

}  // namespace heft::cli
