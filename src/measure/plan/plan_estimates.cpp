#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "data/seconds_since.hpp"
#include "heft/error.hpp"
#include "measure/plan/plan_parts.hpp"

namespace heft {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kRows = 24;  // of each parameter
/// Where all adjoints take too long: as many as are kept, so that rows cost what they do at the end, if those are few; else these.
constexpr std::size_t kSomeProbes = 128;
constexpr std::size_t kFewProbes = 16;

/// Runs that the first chunk of adjoints takes, at most, about: where that is too long, few adjoints stand for all.
constexpr double kChunkRuns = 192;

/// Of the time so far: a pause this long lies between two chunks of adjoints.
constexpr double kPause = 0.05;
constexpr double kRowPatience = 3;  // times what was to be spent

struct Enough {};

/// Rows spread over each parameter, of those that are selected.
struct SomeRows {
  Selection selection;
  std::vector<double> share;  ///< by parameter: selected rows / those that stand for them
};

SomeRows someRows(const Structure& structure, const Selection* all) {
  SomeRows some;
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const auto& info = structure.parameters[p];
    const auto columns = info.columns();
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < info.rows(); ++row) {
      for (std::int64_t j = 0; j < columns; ++j) {
        if (all != nullptr && !all->contains(static_cast<std::int64_t>(p), row * columns + j)) continue;
        rows.push_back(row);
        break;
      }
    }
    std::vector<std::uint8_t> mask;
    const auto count = std::min<std::int64_t>(kRows, std::ssize(rows));
    if (count > 0) mask.assign(static_cast<std::size_t>(info.weights()), 0);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = rows[static_cast<std::size_t>((2 * i + 1) * std::ssize(rows) / (2 * count))];
      std::fill_n(mask.begin() + row * columns, columns, std::uint8_t{1});
    }
    some.selection.mask.push_back(std::move(mask));
    some.share.push_back(count > 0 ? static_cast<double>(rows.size()) / static_cast<double>(count) : 0);
  }
  return some;
}

/// Listens to the progress of an estimate: how long its adjoints take and each parameter's rows.
class Listener {
 public:
  Listener(const Session& session, const SomeRows& some, double seconds, const StageProgress& progress)
      : some_(some), seconds_(seconds), progress_(progress) {
    // Rows come first, in the parameters' order, then what is traced, by its own weights.
    std::vector<bool> traced(session.structure().parameters.size());
    for (std::size_t p = 0; p < traced.size(); ++p) {
      traced[p] = session.structure().parameters[p].method == "traced unit response";
      const auto weights = static_cast<double>(session.structure().parameters[p].weights());
      total_ += weights;
      if (!traced[p] && !session.structure().parameters[p].site.empty()) ends_.push_back({p, weights});
      if (traced[p]) traced_share_ = std::max(traced_share_, some.share[p]);
    }
    for (std::size_t i = 1; i < ends_.size(); ++i) ends_[i].second += ends_[i - 1].second;
  }

  void operator()(const std::string& stage, double share) {
    progress_("timing estimates", 0.5 * share);
    const double now = secondsSince(begin_);
    if (stage == "adjoints") {
      // Seeds come in bursts, one a chunk: the last one before a pause tells how long all chunks so far took.
      if (share_ > 0 && now - last_ > kPause * now) {
        if (chunks_++ == 0) first_ = {last_, share_};
        adjoint_seconds = chunks_ == 1
                              ? last_ / share_
                              : first_.first + (last_ - first_.first) / (share_ - first_.second) * (1 - first_.second);
        // Many chunks are left, and that does not have to be known better. The first one has recording the model in it.
        const bool known = chunks_ > 1 || now > kRowPatience * seconds_;
        if (known && now > seconds_ && adjoint_seconds > 2 * now) throw Enough();
      }
      last_ = now;
      share_ = share;
      return;
    }
    if (share_ > 0) adjoint_seconds = last_;  // all of them
    share_ = 0;
    const double took = now - std::exchange(last_, now);
    while (at_ < ends_.size() && share * total_ > ends_[at_].second * (1 + 1e-12)) ++at_;
    row_seconds += took * (at_ < ends_.size() ? some_.share[ends_[at_].first] : traced_share_);
  }

  double adjoint_seconds = 0;
  double row_seconds = 0;

  /// Share of the adjoints that were taken.
  [[nodiscard]] double reached() const { return share_; }

 private:
  const SomeRows& some_;
  double seconds_, total_ = 0, traced_share_ = 1;
  const StageProgress& progress_;
  std::vector<std::pair<std::size_t, double>> ends_;  ///< parameter, weights up to its end
  std::size_t at_ = 0;
  Clock::time_point begin_ = Clock::now();
  double last_ = 0, share_ = 0;      ///< of the call before
  std::pair<double, double> first_;  ///< time and share at the first chunk's end
  int chunks_ = 0;
};

/// By parameter: 1 where nothing but zeros came out.
std::vector<std::uint8_t> silentOf(const ResponseResult& result) {
  std::vector<std::uint8_t> silent;
  for (const auto& impact : result.impact[0])
    silent.push_back(std::all_of(impact.begin(), impact.end(), [](double one) { return !(one > 0); }) ? 1 : 0);
  return silent;
}

}  // namespace

EstimateTimes timeEstimates(Session& session, const NewValue& new_value, const ResponseOptions& options, double seconds,
                            const StageProgress& progress) {
  const auto some = someRows(session.structure(), options.selection);
  EstimateTimes times;
  auto own = options;
  own.selection = &some.selection;
  AdjointCost cost;
  const bool few_only = kChunkRuns * session.runSeconds() > kRowPatience * seconds;
  own.begun = [&](const AdjointCost& begun) {
    cost = begun;
    if (few_only) throw Enough();
  };
  Listener whole(session, some, seconds, progress);
  bool ended = true;
  times.silent.assign(session.structure().parameters.size(), 0);
  try {
    times.silent = silentOf(estimateAll(session, new_value, own, std::ref(whole)));
  } catch (const Enough&) {
    ended = false;
  } catch (const Error& error) {
    if (error.fault() != Fault::unsupported) throw;  // as the ranking does, which executes then
    times.silent.assign(session.structure().parameters.size(), 1);
    return times;
  }
  times.adjoints = cost.adjoints;
  times.adjoint_seconds = whole.adjoint_seconds;
  if (ended) {
    times.response_seconds = whole.row_seconds;
    return times;
  }
  times.bytes = cost.bytes * (1 - whole.reached());
  // Rows along a few adjoints: they cost in proportion to those that are kept.
  const auto probes = few_only ? std::min(cost.kept, kFewProbes) : cost.kept <= kSomeProbes ? cost.kept : kFewProbes;
  auto few = own;
  few.begun = nullptr;
  few.exact_elements = 0;
  few.exact_flop = 0;
  few.probes = few.most_probes = static_cast<std::int64_t>(probes);
  Listener rows(session, some, 1e9, progress);
  times.silent = silentOf(estimateAll(session, new_value, few, std::ref(rows)));
  times.response_seconds = rows.row_seconds * static_cast<double>(cost.kept) / static_cast<double>(probes);
  if (few_only)
    times.adjoint_seconds = rows.adjoint_seconds * static_cast<double>(cost.adjoints) / static_cast<double>(probes);
  return times;
}

}  // namespace heft
