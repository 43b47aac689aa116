#include "analysis/stratify.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {

Estimates::Estimates(std::vector<std::span<const double>> parameters) : spans_(std::move(parameters)), offsets_{0} {
  for (std::size_t p = 0; p < spans_.size(); ++p) {
    for (std::size_t i = 0; i < spans_[p].size(); ++i) {
      if (std::isfinite(spans_[p][i]) && spans_[p][i] >= 0) continue;
      throw Error(Fault::internal, "an estimated impact must be finite and not negative, found " +
                                       std::to_string(spans_[p][i]) + " at weight " + std::to_string(i) +
                                       " of parameter " + std::to_string(p));
    }
    offsets_.push_back(offsets_.back() + spans_[p].size());
  }
}

std::size_t Estimates::parameterOf(std::size_t flat) const {
  const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), flat);
  return static_cast<std::size_t>(after - offsets_.begin()) - 1;
}

double Estimates::at(std::size_t flat) const {
  const std::size_t parameter = parameterOf(flat);
  return spans_[parameter][flat - offsets_[parameter]];
}

Strata::Strata(const Estimates& estimates) : thresholds_(estimates.parameters()), populations_(count()) {
  std::vector<double> positive;
  for (std::size_t p = 0; p < estimates.parameters(); ++p) {
    positive.clear();
    for (const double e : estimates.of(p)) {
      if (e > 0) positive.push_back(e);
    }
    auto begin = positive.begin();
    for (std::size_t decile = 1; decile < 10; ++decile) {
      const auto nth = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() * decile / 10);
      if (nth != positive.end()) std::nth_element(begin, nth, positive.end());
      thresholds_[p][decile - 1] = nth != positive.end() ? *nth : 0;
      begin = nth;
    }
    for (const double e : estimates.of(p)) ++populations_[of(p, e)];
  }
}

std::size_t Strata::of(std::size_t parameter, double estimate) const noexcept {
  const std::size_t first = parameter * kPerParameter;
  if (!(estimate > 0)) return first;
  const auto& thresholds = thresholds_[parameter];
  const auto above = std::upper_bound(thresholds.begin(), thresholds.end(), estimate);
  return first + 1 + static_cast<std::size_t>(above - thresholds.begin());
}

std::vector<std::vector<std::size_t>> drawWithin(const Estimates& estimates, const ClassOf& class_of,
                                                 std::span<const std::size_t> populations,
                                                 std::span<const std::size_t> wanted, std::uint64_t seed,
                                                 std::string_view purpose, std::uint64_t index) {
  struct Pick {
    std::size_t place;  // among the weights of its class, in flat order
    std::size_t order;  // in the random sample
  };
  const std::size_t classes = populations.size();
  std::vector<std::vector<std::size_t>> drawn(classes);
  std::vector<std::vector<Pick>> picks(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    if (wanted[c] == 0) continue;
    const auto places = sampleWithoutReplacement(wanted[c], populations[c], Random(seed, purpose, index * classes + c));
    drawn[c].resize(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) picks[c].push_back({places[i], i});
    // Backwards, so that the next pick is the last element.
    std::sort(picks[c].begin(), picks[c].end(), [](const Pick& x, const Pick& y) { return x.place > y.place; });
  }
  std::vector<std::size_t> seen(classes);
  for (std::size_t p = 0; p < estimates.parameters(); ++p) {
    const auto span = estimates.of(p);
    for (std::size_t i = 0; i < span.size(); ++i) {
      const std::size_t flat = estimates.offset(p) + i;
      const std::size_t c = class_of(flat, p, span[i]);
      if (c == kNoClass) continue;
      const std::size_t place = seen[c]++;
      if (picks[c].empty() || picks[c].back().place != place) continue;
      drawn[c][picks[c].back().order] = flat;
      picks[c].pop_back();
    }
  }
  return drawn;
}

namespace {

/// Equal shares, none above its capacity; what is left of an uneven split goes to the first.
std::vector<std::size_t> equalShares(std::span<const std::size_t> capacities, std::size_t total) {
  std::vector<std::size_t> shares(capacities.size());
  for (;;) {
    const auto open = static_cast<std::size_t>(
        std::count_if(shares.begin(), shares.end(),
                      [&, i = std::size_t{0}](std::size_t share) mutable { return share < capacities[i++]; }));
    if (open == 0 || total == 0) return shares;
    const std::size_t step = std::max<std::size_t>(total / open, 1);
    for (std::size_t i = 0; i < shares.size() && total > 0; ++i) {
      const std::size_t more = std::min({step, capacities[i] - shares[i], total});
      shares[i] += more;
      total -= more;
    }
  }
}

}  // namespace

std::vector<std::size_t> shareDraws(const Strata& strata, std::size_t draws) {
  const auto& populations = strata.populations();
  std::vector<std::size_t> sizes(strata.count() / Strata::kPerParameter);
  for (std::size_t s = 0; s < strata.count(); ++s) sizes[Strata::parameterOf(s)] += populations[s];
  const auto by_parameter = equalShares(sizes, draws);
  std::vector<std::size_t> shares;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    const std::span<const std::size_t> own(&populations[p * Strata::kPerParameter], Strata::kPerParameter);
    const auto by_stratum = equalShares(own, by_parameter[p]);
    shares.insert(shares.end(), by_stratum.begin(), by_stratum.end());
  }
  return shares;
}

std::vector<std::vector<std::size_t>> drawStratified(const Estimates& estimates, const Strata& strata,
                                                     std::size_t draws, std::uint64_t seed, std::size_t zeros) {
  const auto stratum_of = [&](std::size_t, std::size_t parameter, double estimate) {
    return strata.of(parameter, estimate);
  };
  auto shares = shareDraws(strata, draws);
  for (std::size_t s = 0; s < shares.size(); ++s) {
    if (Strata::isZero(s)) shares[s] = std::min(strata.populations()[s], std::max(shares[s], zeros));
  }
  return drawWithin(estimates, stratum_of, strata.populations(), shares, seed, "calibration", 0);
}

}  // namespace heft
