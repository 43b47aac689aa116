#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "data/seconds_since.hpp"
#include "measure/plan/plan_parts.hpp"

namespace heft {
namespace {

/// So few variants say something even where each takes a second.
constexpr std::size_t kFirstVariants = 4;
constexpr std::size_t kMoreVariants = 8;  // times as many, the next time
constexpr double kLeast = 0.2;    // seconds for them, at least
constexpr double kPatience = 2;   // times what was to be spent
/// Of the whole: a parameter with a larger share is timed twice at least, since few variants share little and cost far more each.
constexpr double kLargeShare = 0.05;

/// The selected weights of a parameter in segments of a block, each used once: what was measured is not executed again.
class TimedParameter {
 public:
  TimedParameter(std::size_t parameter, const std::vector<std::int64_t>& places, std::size_t block)
      : parameter_(parameter), places_(places), block_(block), segments_((places.size() + block - 1) / block) {}

  [[nodiscard]] bool exhausted() const { return used_ == segments_; }
  [[nodiscard]] bool timedOnce() const { return smaller_ == 0; }
  [[nodiscard]] double together() const { return line().each * static_cast<double>(places_.size()); }

  /// What not knowing it better may cost: its time, the less the more is known.
  [[nodiscard]] double unknown() const { return together() / static_cast<double>(1 + variants_); }

  [[nodiscard]] ExecutingTimes::Line line() const {
    if (largest_ == 0) return {};
    const double each = largest_seconds_ / static_cast<double>(largest_);
    if (smaller_ == 0) return {0, each};
    const double slope = (largest_seconds_ - smaller_seconds_) / static_cast<double>(largest_ - smaller_);
    // Of two noisy times: more variants never cost less, nor more than in proportion.
    const double own = std::clamp(slope, 0.3 * each, each);
    return {largest_seconds_ - own * static_cast<double>(largest_), own};
  }

  /// Executes the first of the next segment, more than before where that takes no longer than `seconds`.
  void time(Measurer& measurer, double seconds) {
    // Segments from all over the parameter: every other one of golden steps lies far from those before.
    const auto step = 0.6180339887498949 * static_cast<double>(used_++);
    auto segment = static_cast<std::size_t>((step - std::floor(step)) * static_cast<double>(segments_));
    while (std::find(taken_.begin(), taken_.end(), segment) != taken_.end()) segment = (segment + 1) % segments_;
    taken_.push_back(segment);
    const auto first = segment * block_;
    const auto want = largest_ == 0 ? kFirstVariants : std::min(largest_ * kMoreVariants, within(seconds));
    const auto count = std::min({want, block_, places_.size() - first});
    std::vector<std::uint64_t> flat;
    for (std::size_t i = 0; i < count; ++i)
      flat.push_back(measurer.flatWeights().flat(static_cast<std::int64_t>(parameter_), places_[first + i]));
    const double before = measurer.seconds();
    measurer.weights(flat, [](std::size_t, std::size_t) {});
    note(count, measurer.seconds() - before);
  }

 private:
  [[nodiscard]] std::size_t within(double seconds) const {
    const double each = line().each;
    return each * static_cast<double>(block_) <= seconds ? block_
                                                         : std::max(largest_, static_cast<std::size_t>(seconds / each));
  }

  void note(std::size_t count, double seconds) {
    variants_ += count;
    if (count > largest_) {
      smaller_ = std::exchange(largest_, count);
      smaller_seconds_ = std::exchange(largest_seconds_, seconds);
      largest_times_ = 1;
    } else if (count == largest_) {
      largest_seconds_ += (seconds - largest_seconds_) / ++largest_times_;
    }
  }

  std::size_t parameter_;
  const std::vector<std::int64_t>& places_;
  std::size_t block_, segments_, used_ = 0, variants_ = 0;
  std::size_t largest_ = 0, smaller_ = 0;  ///< variants executed at once
  double largest_seconds_ = 0, smaller_seconds_ = 0, largest_times_ = 0;
  std::vector<std::size_t> taken_;
};

}  // namespace

ExecutingTimes timeExecuting(Measurer& measurer, const SelectedWeights& selected, double seconds,
                             const StageProgress& progress) {
  using Clock = std::chrono::steady_clock;
  std::vector<TimedParameter> all;
  for (std::size_t p = 0; p < selected.places().size(); ++p)
    all.emplace_back(p, selected.places()[p], measurer.block());
  std::vector<TimedParameter*> open;
  for (auto& one : all) {
    if (!one.exhausted()) open.push_back(&one);
  }
  ExecutingTimes times;
  auto begin = Clock::now();
  for (std::size_t i = 0; i < open.size(); ++i) {
    progress("timing variants", 0.5 * static_cast<double>(i) / static_cast<double>(open.size()));
    open[i]->time(measurer, seconds);
    if (i > 0) continue;
    // The first call prepares, beside executing; the time to spend begins after it.
    times.prepare = secondsSince(begin) - measurer.seconds();
    begin = Clock::now();
  }
  const auto unsure = [&] {
    double whole = 0;
    for (const auto& one : all) whole += one.together();
    return std::any_of(open.begin(), open.end(),
                       [&](const TimedParameter* one) { return one->timedOnce() && one->together() > kLargeShare * whole; });
  };
  for (;;) {
    std::erase_if(open, [](const TimedParameter* one) { return one->exhausted(); });
    const double spent = secondsSince(begin);
    if (open.empty() || spent >= kPatience * seconds || (spent >= seconds && !unsure())) break;
    progress("timing variants", 0.5 + 0.5 * std::min(1.0, spent / seconds));
    (*std::max_element(open.begin(), open.end(), [](const TimedParameter* a, const TimedParameter* b) {
      return a->unknown() < b->unknown();
    }))->time(measurer, std::max(kLeast, seconds - spent));
  }
  for (const auto& one : all) times.by_parameter.push_back(one.line());
  return times;
}

}  // namespace heft
