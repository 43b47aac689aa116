#include "analysis/settle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/audit.hpp"
#include "analysis/executed.hpp"
#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr std::size_t kSmallestBatch = 128;  // enough to fill a device, few enough for the worst ratio to settle

class Settling {
 public:
  Settling(const Estimates& estimates, const SettleOptions& options, const MeasureImpacts& measure)
      : estimates_(estimates),
        options_(options),
        measure_(measure),
        strata_(estimates),
        k_(std::min(options.k, estimates.size() + options.others.size())),
        allowed_(static_cast<std::size_t>(options.miss * static_cast<double>(k_) + 1e-9)),
        limit_(options.budget == 0 ? estimates.size() : std::min(options.budget, estimates.size())),
        done_(estimates, k_, options.others),
        lowest_(estimates.parameters(), std::numeric_limits<double>::infinity()),
        missing_(k_) {}

  SettleResult run() {
    calibrate();
    for (std::size_t p = 0; p < estimates_.parameters(); ++p) {
      reach_.insert(reach_.end(), estimates_.of(p).begin(), estimates_.of(p).end());
    }
    executeBest(std::min(limit_ - done_.size(), k_), -1);
    while (executeTop() && !audit()) {
    }
    narrow();
    return result();
  }

 private:
  void calibrate() {
    std::size_t draws = options_.calibration_draws;
    if (draws == 0) draws = defaultCalibrationDraws(estimates_, options_.alpha);
    // A small budget is for the top as much as for the calibration.
    const bool limited = limit_ < estimates_.size();
    if (limited) draws = std::min(draws, limit_ / 2);
    const auto drawn =
        drawStratified(estimates_, strata_, draws, options_.seed, limited ? 0 : zeroDraws(options_.alpha));
    std::vector<std::size_t> list;
    for (const auto& own : drawn) list.insert(list.end(), own.begin(), own.end());
    done_.execute(list, "calibration", measure_);
    const std::vector<double> impacts = done_.impactsOf(list);
    std::size_t i = 0;
    for (std::size_t s = 0; s < drawn.size(); ++s) {
      for (const std::size_t flat : drawn[s]) calibration_.push_back({s, flat, impacts[i++]});
    }
  }

  /// Executes all weights of reach above the threshold, in batches, since what they show changes the reach of
  /// the rest. False where the budget ends it.
  bool executeTop() {
    for (;;) {
      setReaches();
      const double bound = done_.placed() < k_ ? -0.5 : done_.threshold();
      const auto above = static_cast<std::size_t>(
          std::count_if(reach_.begin(), reach_.end(), [&](double reach) { return reach > bound; }));
      if (above == 0) return true;
      const std::size_t left = limit_ - done_.size();
      if (left == 0) {
        why_ = "the budget of " + std::to_string(options_.budget) + " variants was spent with " +
               std::to_string(above) + " candidates for the top " + std::to_string(k_) + " left to execute";
        return false;
      }
      executeBest(std::min(left, std::max({kSmallestBatch, k_ / 2, above / 4})), bound);
    }
  }

  /// Of every weight: the impact that it could have; -1 where it was executed.
  void setReaches() {
    const auto ratios = done_.worstRatios(), zeros = done_.zeroEstimates();
    reach_.resize(estimates_.size());
    std::size_t flat = 0;
    for (std::size_t p = 0; p < estimates_.parameters(); ++p) {
      for (const double estimate : estimates_.of(p)) {
        reach_[flat] = done_.has(flat) ? -1 : ratios[p] * (estimate > 0 ? estimate : zeros[p]);
        ++flat;
      }
    }
  }

  /// Executes the `count` weights of largest reach, if above `bound`.
  void executeBest(std::size_t count, double bound) {
    std::vector<std::size_t> list;
    for (std::size_t flat = 0; flat < reach_.size(); ++flat) {
      if (reach_[flat] > bound) list.push_back(flat);
    }
    const auto end = list.begin() + static_cast<std::ptrdiff_t>(std::min(count, list.size()));
    std::partial_sort(list.begin(), end, list.end(), [&](std::size_t x, std::size_t y) {
      return reach_[x] > reach_[y] || (reach_[x] == reach_[y] && x < y);
    });
    list.erase(end, list.end());
    found_ += done_.execute(list, "top", measure_);
    for (const std::size_t flat : list) {
      double& lowest = lowest_[estimates_.parameterOf(flat)];
      if (const double estimate = estimates_.at(flat); estimate > 0) lowest = std::min(lowest, estimate);
    }
  }

  /// One audit, of weights of reach 1 and less. True where the search is over.
  bool audit() {
    // Half of the error probability for the first audit, a quarter for the second, … : a look at the draws
    // that decides whether to go on must not be free.
    const double alpha = (1 - options_.confidence) * std::pow(0.5, static_cast<double>(++audits_));
    const std::size_t left = limit_ - done_.size(), rest = estimates_.size() - done_.size();
    double most = static_cast<double>(left);
    // Chance may draw more than expected; the budget must still do, since a cut sample would bound nothing.
    if (left < rest) most = std::max(0.0, most - 4 * std::sqrt(most));
    const bool spare = most > static_cast<double>(options_.audit_limit);
    if (spare) most = static_cast<double>(options_.audit_limit);
    std::vector<double> h;
    for (const double reach : reach_) {
      if (reach >= 0) h.push_back(share(reach));
    }
    const AuditDesign design = designAudit(h, evidenceFor(allowed_, alpha), most);

    // One number a weight, executed or not, so that the draws don't depend on what was executed before.
    Random random(options_.seed, "audit", audits_);
    std::vector<std::size_t> list;
    for (std::size_t flat = 0; flat < reach_.size(); ++flat) {
      const double number = random.uniform();
      if (reach_[flat] >= 0 && number < design.scale * share(reach_[flat])) list.push_back(flat);
    }
    why_ = spare ? "an audit of " + std::to_string(options_.audit_limit) + " variants is too small to tell"
                 : "the budget of " + std::to_string(options_.budget) + " variants leaves too few for the audit";
    if (list.size() > left) return true;
    audited_ += list.size();
    if (done_.execute(list, "audit", measure_) > 0) return false;
    missing_ = std::min(missing_, missedAtMost(design.evidence, alpha, std::min(k_, rest)));
    // The draws may have shown a worse ratio. Its candidates are few; a member among them calls for another
    // audit, and if the budget ends there, the bound holds as it is.
    const std::size_t found = found_;
    const bool complete = executeTop();
    return !complete || found_ == found;
  }

  /// Executes weights of the parameters with the widest intervals, as many as there are to spare.
  void narrow() {
    const std::size_t rest = estimates_.size() - done_.size();
    std::size_t left = std::min(rest, options_.budget == 0 ? options_.spare : limit_ - done_.size());
    if (left == 0) return;
    const auto [intervals, pairs] = conformal();
    const auto widths =
        intervalWidths(estimates_, strata_, intervals, [&](std::size_t flat) { return done_.has(flat); });
    std::vector<std::size_t> order;
    for (std::size_t p = 0; p < widths.size(); ++p) {
      if (widths[p] > options_.wide) order.push_back(p);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return widths[a] > widths[b]; });
    for (const std::size_t p : order) left -= executeLargest(p, left);
  }

  /// Executes a parameter's `most` largest estimates that were not executed before; how many those are.
  std::size_t executeLargest(std::size_t parameter, std::size_t most) {
    std::vector<std::size_t> list;
    const auto own = estimates_.of(parameter);
    const std::size_t first = estimates_.offset(parameter);
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (!done_.has(first + i)) list.push_back(first + i);
    }
    std::stable_sort(list.begin(), list.end(),
                     [&](std::size_t x, std::size_t y) { return own[x - first] > own[y - first]; });
    list.resize(std::min(most, list.size()));
    if (list.empty()) return 0;
    done_.execute(list, "wide", measure_);
    if (const double smallest = own[list.back() - first]; smallest > 0)
      lowest_[parameter] = std::min(lowest_[parameter], smallest);
    return list.size();
  }

  [[nodiscard]] double share(double reach) const {
    return done_.threshold() > 0 ? steep(reach / done_.threshold()) : 0;
  }

  /// The intervals, and the whole random sample.
  [[nodiscard]] std::pair<Conformal, std::vector<CalibrationPair>> conformal() const {
    // The random sample of the weights below the cut: those above were all executed. So were strata that were
    // drawn whole.
    std::vector<std::size_t> populations(strata_.count()), drawn(strata_.count());
    for (const Draw& draw : calibration_) ++drawn[draw.stratum];
    const auto whole = [&](std::size_t stratum) { return drawn[stratum] == strata_.populations()[stratum]; };
    for (std::size_t p = 0; p < estimates_.parameters(); ++p) {
      for (const double estimate : estimates_.of(p)) {
        const std::size_t stratum = strata_.of(p, estimate);
        if (!(estimate > lowest_[p]) && !whole(stratum)) ++populations[stratum];
      }
    }
    std::vector<CalibrationPair> pairs, below;
    for (const auto& [stratum, flat, impact] : calibration_) {
      pairs.push_back({stratum, estimates_.at(flat), impact});
      const bool above = pairs.back().estimate > lowest_[Strata::parameterOf(stratum)];
      if (!above && !whole(stratum)) below.push_back(pairs.back());
    }
    return {Conformal(below, populations, options_.alpha), std::move(pairs)};
  }

  SettleResult result() {
    auto [intervals, pairs] = conformal();
    const std::size_t missing = std::min(missing_, estimates_.size() - done_.size());
    const bool settled = missing <= allowed_ && done_.placed() >= k_;
    if (settled) why_.clear();
    return {.top = done_.top(),
            .settled = settled,
            .missing = static_cast<double>(missing),
            .threshold = done_.threshold(),
            .executed = done_.size(),
            .audited = audited_,
            .audits = audits_,
            .why = std::move(why_),
            .impacts = done_.inFlatOrder(),
            .calibration = std::move(pairs),
            .strata = std::move(strata_),
            .intervals = std::move(intervals)};
  }

  struct Draw {
    std::size_t stratum, flat;
    double impact;
  };

  const Estimates& estimates_;
  const SettleOptions& options_;
  const MeasureImpacts& measure_;
  Strata strata_;
  std::size_t k_, allowed_, limit_;
  Executed done_;
  std::vector<double> lowest_;  // by parameter: the smallest estimate executed for the top
  std::vector<double> reach_;
  std::vector<Draw> calibration_;
  std::size_t missing_;    // at most, as far as audits tell
  std::size_t found_ = 0;  // members that were executed as candidates
  std::size_t audited_ = 0, audits_ = 0;
  std::string why_;
};

void check(const SettleOptions& options) {
  const auto refuse = [](const std::string& what, double found) {
    throw Error(Fault::usage, what + ", found " + std::to_string(found));
  };
  if (options.k == 0) refuse("the top must have at least 1 place", 0);
  if (!(options.miss >= 0 && options.miss < 1))
    refuse("the share that may be missing must lie in [0, 1)", options.miss);
  if (!(options.alpha > 0 && options.alpha < 1)) refuse("alpha must lie between 0 and 1", options.alpha);
  if (!(options.confidence > 0 && options.confidence < 1)) {
    refuse("the confidence must lie between 0 and 1", options.confidence);
  }
}

}  // namespace

std::vector<double> intervalWidths(const Estimates& estimates, const Strata& strata, const Conformal& intervals,
                                   const std::function<bool(std::size_t flat)>& executed) {
  std::vector<double> widths;
  for (std::size_t p = 0; p < estimates.parameters(); ++p) {
    std::vector<double> own;
    const auto of_parameter = estimates.of(p);
    for (std::size_t i = 0; i < of_parameter.size(); ++i) {
      if (!(of_parameter[i] > 0) || executed(estimates.offset(p) + i)) continue;
      const auto& rule = intervals.rule(strata.of(p, of_parameter[i]));
      own.push_back((rule.high - rule.low) / 2);
    }
    const auto middle = own.begin() + static_cast<std::ptrdiff_t>(own.size() / 2);
    if (!own.empty()) std::nth_element(own.begin(), middle, own.end());
    widths.push_back(own.empty() ? 0 : *middle);
  }
  return widths;
}

std::size_t zeroDraws(double alpha) { return static_cast<std::size_t>(std::ceil(1 / alpha)); }

std::size_t defaultCalibrationDraws(const Estimates& estimates, double alpha) {
  return defaultCalibrationDraws(estimates.parameters(), estimates.size(), alpha);
}

std::size_t defaultCalibrationDraws(std::size_t parameters, std::size_t weights, double alpha) {
  const auto needed = static_cast<std::size_t>(std::ceil(2 / alpha));
  const std::size_t draws = std::max(std::clamp<std::size_t>(80 * parameters, 400, 1000), 2 * needed);
  return std::min(draws, weights);
}

SettleResult settle(const Estimates& estimates, const SettleOptions& options, const MeasureImpacts& measure) {
  check(options);
  return Settling(estimates, options, measure).run();
}

}  // namespace heft
