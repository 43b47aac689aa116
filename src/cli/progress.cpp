#include "cli/progress.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "data/printable.hpp"
#include "data/seconds_since.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

constexpr double kSilent = 2;           // seconds
constexpr double kTerminalEvery = 0.2;  // seconds
constexpr double kPlainEvery = 15;      // seconds
constexpr double kJsonEvery = 1;        // seconds
constexpr double kLeastShare = 0.02;    // from less, the time left would be told hours off

std::string lineFor(const std::string& stage, double share, double elapsed) {
  const auto percent = std::to_string(static_cast<int>(std::floor(100 * share)));
  const auto text = stage + ": " + percent + " %";
  return share < kLeastShare ? text : text + ", " + duration(elapsed * (1 - share) / share) + " left";
}

std::string jsonFor(const std::string& stage, double share, double elapsed) {
  const auto rounded = [](double value) { return std::round(1e4 * value) / 1e4; };
  nlohmann::ordered_json line = {{"stage", stage}, {"share", rounded(share)}, {"seconds_elapsed", rounded(elapsed)}};
  line["seconds_left"] = nullptr;
  if (share >= kLeastShare) line["seconds_left"] = rounded(elapsed * (1 - share) / share);
  return line.dump();
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

std::string shortTime(double seconds) {
  const auto digits = [](double number) {
    return number >= 10 ? grouped(static_cast<std::size_t>(std::llround(number))) : significant(number, 2);
  };
  if (seconds >= 10) return duration(seconds);
  if (seconds >= 1) return significant(seconds, 2) + " s";
  if (seconds >= 1e-3) return digits(1e3 * seconds) + " ms";
  return seconds > 0 ? digits(1e6 * seconds) + " us" : "–";
}

ProgressStyle parseProgress(std::string_view text) {
  if (text == "auto") return isatty(STDERR_FILENO) == 1 ? ProgressStyle::terminal : ProgressStyle::plain;
  if (text == "none") return ProgressStyle::none;
  if (text == "plain") return ProgressStyle::plain;
  if (text == "json") return ProgressStyle::json;
  throw Error(Fault::usage, "--progress " + std::string(text) + ": auto, none, plain or json was expected");
}

void Progress::update(const std::string& name, double share) {
  const auto stage = printable(name, std::string::npos);  // may hold what a file called its scores
  if (stage != stage_ || share < share_) begin(stage);
  share_ = share;
  const double elapsed = secondsSince(stage_began_);
  if (isDue(elapsed)) show(elapsed);
}

void Progress::begin(const std::string& stage) {
  finish();
  stage_ = stage;
  stage_began_ = last_shown_ = Clock::now();
}

bool Progress::isDue(double elapsed) const {
  switch (style_) {
    case ProgressStyle::none:
      return false;
    case ProgressStyle::json:
      return !shown_ || secondsSince(last_shown_) >= kJsonEvery;
    case ProgressStyle::terminal:
      return elapsed >= kSilent && secondsSince(last_shown_) >= kTerminalEvery;
    case ProgressStyle::plain:
      return elapsed >= kSilent && secondsSince(last_shown_) >= (shown_ ? kPlainEvery : kSilent);
  }
  return false;
}

void Progress::show(double elapsed) {
  last_shown_ = Clock::now();
  shown_ = true;
  if (style_ == ProgressStyle::json)
    std::fprintf(stderr, "%s\n", jsonFor(stage_, share_, elapsed).c_str());
  else if (style_ == ProgressStyle::terminal)
    std::fprintf(stderr, "\r%-78s", lineFor(stage_, share_, elapsed).c_str());
  else
    std::fprintf(stderr, "%s\n", lineFor(stage_, share_, elapsed).c_str());
  std::fflush(stderr);
}

void Progress::finish() {
  share_ = 1;
  stop();
}

void Progress::stop() {
  if (stage_.empty()) return;
  const double elapsed = secondsSince(stage_began_);
  if (style_ == ProgressStyle::json) show(elapsed);
  if (style_ == ProgressStyle::terminal && shown_) std::fprintf(stderr, "\r%78s\r", "");
  spdlog::debug("stage   {}: {:.0f} % in {:.2f} s", stage_, std::floor(100 * share_), elapsed);
  shown_ = false;
  stage_.clear();
  share_ = 0;
}

}  // namespace heft::cli
