#include "analysis/grouped_scores.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <numeric>
#include <string>
#include <utility>

#include "analysis/inversions.hpp"
#include "analysis/order.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// How far ahead of its use a value is asked for where values lie all over memory.
constexpr std::size_t kAhead = 32;

double pairsWithin(std::size_t n) { return 0.5 * static_cast<double>(n) * (static_cast<double>(n) - 1); }

/// Calls `each` with the ends [begin, end) of every run of equal keys, keyOf(0) ... keyOf(n - 1).
template <class KeyOf, class Each>
void overRuns(std::size_t n, const KeyOf& keyOf, const Each& each) {
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    const auto key = keyOf(begin);
    while (end < n && keyOf(end) == key) ++end;
    each(begin, end);
  }
}

/// Calls `take` with the k last of n ascending keys, k > 0; of those equal to the first of them, the earliest weights.
template <class KeyOf, class WeightOf, class Take>
void takeTop(std::size_t n, std::size_t k, const KeyOf& keyOf, const WeightOf& weightOf, const Take& take) {
  std::size_t begin = n - k, end = n - k;
  const auto edge = keyOf(begin);
  while (begin > 0 && keyOf(begin - 1) == edge) --begin;
  while (end < n && keyOf(end) == edge) ++end;
  for (std::size_t i = end; i < n; ++i) take(i);
  std::vector<std::pair<std::uint32_t, std::size_t>> at_edge;  // by weight
  for (std::size_t i = begin; i < end; ++i) at_edge.emplace_back(weightOf(i), i);
  const auto last = at_edge.begin() + static_cast<std::ptrdiff_t>(k - (n - end));
  if (last != at_edge.end()) std::nth_element(at_edge.begin(), last, at_edge.end());
  std::for_each(at_edge.begin(), last, [&](const auto& one) { take(one.second); });
}

/// What rank-biased overlap looks at of n ascending keys, by position.
template <class KeyOf, class PositionOf>
std::vector<RankedPlace> rankedTop(std::size_t n, const KeyOf& keyOf, const PositionOf& positionOf) {
  std::vector<RankedPlace> top;
  if (n == 0) return top;
  const std::size_t depth = overlapDepth(n);
  for (std::size_t i = n; i-- > 0 && (top.size() < depth || keyOf(i) == keyOf(i + 1));) {
    const bool tied = i + 1 < n && keyOf(i) == keyOf(i + 1);
    top.push_back({positionOf(i), tied ? top.back().rank : top.size() + 1});
  }
  std::sort(top.begin(), top.end(), [](const RankedPlace& x, const RankedPlace& y) { return x.place < y.place; });
  return top;
}

}  // namespace

GroupedScores::GroupedScores(std::span<const float> impact, std::span<const Grouping> groupings)
    : weights_(impact.size()) {
  std::vector<float> known;
  std::vector<std::uint32_t> weight_of;
  for (std::size_t i = 0; i < impact.size(); ++i) {
    if (std::isnan(impact[i])) continue;
    known.push_back(impact[i]);
    weight_of.push_back(static_cast<std::uint32_t>(i));
  }
  const auto sorted = ascendingKeys(known);
  std::vector<std::uint32_t> alike, order;
  std::vector<std::vector<std::uint16_t>> of;
  std::vector<std::size_t> groups;
  for (const auto& one : sorted) {
    alike.push_back(one.key);
    order.push_back(weight_of[one.place]);
  }
  for (const auto& grouping : groupings) {
    if (grouping.of.size() != impact.size())
      throw Error(Fault::internal, "groups of " + std::to_string(grouping.of.size()) + " weights and " +
                                       std::to_string(impact.size()) + " impacts");
    auto& own = of.emplace_back();
    own.reserve(order.size());
    for (const auto weight : order) own.push_back(grouping.of[weight]);
    groups.push_back(grouping.groups);
  }
  *this = GroupedScores(weights_, std::move(order), alike, std::move(of), groups);
}

GroupedScores::GroupedScores(std::size_t weights, std::vector<std::uint32_t> order,
                             std::span<const std::uint32_t> alike, std::vector<std::vector<std::uint16_t>> of,
                             std::span<const std::size_t> groups)
    : weights_(weights), order_(std::move(order)) {
  splits_.resize(1 + groups.size());
  const auto everySecond = [&](std::size_t from) {
    for (std::size_t s = from; s < splits_.size(); s += 2)
      splits_[s] = s == 0 ? splitOf({}, 1, alike) : splitOf(std::move(of[s - 1]), groups[s - 1], alike);
  };
  auto other = std::async(std::launch::async, everySecond, std::size_t{0});
  everySecond(1);
  other.get();
}

GroupedScores::Split GroupedScores::splitOf(std::vector<std::uint16_t> of, std::size_t groups,
                                            std::span<const std::uint32_t> alike) const {
  Split split{std::vector<Group>(groups), std::vector<Standing>(order_.size())};
  if (of.empty()) of.resize(order_.size(), 0);
  std::vector<std::size_t> begins(groups + 1, 0);
  for (const auto group : of) {
    if (group != Grouping::none) ++begins[group + 1U];
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<std::uint32_t> dealt(begins.back());  // positions, group by group
  auto ends = begins;
  for (std::size_t position = 0; position < of.size(); ++position) {
    split.standings[position].group = of[position];
    if (of[position] != Grouping::none) dealt[ends[of[position]]++] = static_cast<std::uint32_t>(position);
  }
  for (std::size_t g = 0; g < groups; ++g) {
    auto& group = split.groups[g];
    group.size = begins[g + 1] - begins[g];
    const std::uint32_t* positions = dealt.data() + begins[g];
    const auto keyOf = [&](std::size_t i) { return alike[positions[i]]; };
    const double middle = 0.5 * static_cast<double>(group.size + 1);
    overRuns(group.size, keyOf, [&](std::size_t begin, std::size_t end) {
      const double rank = 0.5 * static_cast<double>(begin + 1 + end) - middle;
      group.squared_ranks += static_cast<double>(end - begin) * rank * rank;
      group.tied_pairs += pairsWithin(end - begin);
      for (std::size_t i = begin; i < end; ++i)
        split.standings[positions[i]].twice_rank = static_cast<std::uint32_t>(begin + 1 + end);
    });
    for (std::size_t s = 0; s < overlapShares.size() && group.size > 0; ++s) {
      takeTop(
          group.size, topSize(s, group.size), keyOf, [&](std::size_t i) { return order_[positions[i]]; },
          [&](std::size_t i) { split.standings[positions[i]].tops |= static_cast<std::uint8_t>(1U << s); });
    }
    group.top = rankedTop(group.size, keyOf, [&](std::size_t i) { return positions[i]; });
  }
  return split;
}

/// A weight in a criterion's order, with how it stands among the impacts of its group.
struct GroupedScores::Placed {
  std::uint32_t key, position, twice_rank;
};

/// Gives marks from a criterion's order: ascending, equal scores by impact, then by weight; places are positions.
class GroupedScores::Scorer {
 public:
  explicit Scorer(std::span<const std::uint32_t> order) : order_(order) {}

  /// Marks of each group of `split`.
  std::vector<Score> score(std::span<const KeyedPlace> sorted, const Split& split) {
    std::vector<std::size_t> ends{0};
    for (const auto& group : split.groups) ends.push_back(ends.back() + group.size);
    dealt_.resize(ends.back());
    // Dealt out in their order, which then is each group's.
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i + kAhead < sorted.size()) __builtin_prefetch(&split.standings[sorted[i + kAhead].place]);
      const auto& one = sorted[i];
      const auto& standing = split.standings[one.place];
      if (standing.group != Grouping::none) dealt_[ends[standing.group]++] = {one.key, one.place, standing.twice_rank};
    }
    std::vector<Score> scores;
    std::span<const Placed> rest(dealt_);
    for (const auto& group : split.groups) {
      scores.push_back(score(rest.first(group.size), split, group));
      rest = rest.subspan(group.size);
    }
    return scores;
  }

 private:
  Score score(std::span<const Placed> sorted, const Split& split, const Group& group) {
    const std::size_t n = sorted.size();
    Score score;
    score.weights = n;
    if (n == 0) return score;
    ranks_.resize(n);
    for (std::size_t i = 0; i < n; ++i) ranks_[i] = sorted[i].twice_rank;
    score.spearman = spearman(sorted, group);
    const auto keyOf = [&](std::size_t i) { return sorted[i].key; };
    for (std::size_t s = 0; s < overlapShares.size(); ++s) {
      const std::size_t k = topSize(s, n);
      std::size_t common = 0;
      takeTop(
          n, k, keyOf, [&](std::size_t i) { return order_[sorted[i].position]; },
          [&](std::size_t i) { common += (split.standings[sorted[i].position].tops >> s) & 1U; });
      score.overlap.at(s) = static_cast<double>(common) / static_cast<double>(k);
    }
    const auto top = rankedTop(n, keyOf, [&](std::size_t i) { return sorted[i].position; });
    score.rbo = overlapOfTops(top, group.top, overlapDepth(n), n).value;
    score.kendall = kendall(sorted, group);
    return score;
  }

  [[nodiscard]] std::optional<double> spearman(std::span<const Placed> sorted, const Group& group) const {
    const double middle = 0.5 * static_cast<double>(sorted.size() + 1);
    double squares = 0, products = 0;
    overRuns(
        sorted.size(), [&](std::size_t i) { return sorted[i].key; },
        [&](std::size_t begin, std::size_t end) {
          const double rank = 0.5 * static_cast<double>(begin + 1 + end) - middle;
          double sum = 0;
          for (std::size_t i = begin; i < end; ++i) sum += 0.5 * static_cast<double>(ranks_[i]) - middle;
          squares += static_cast<double>(end - begin) * rank * rank;
          products += rank * sum;
        });
    if (squares == 0 || group.squared_ranks == 0) return std::nullopt;
    return std::clamp(products / std::sqrt(squares) / std::sqrt(group.squared_ranks), -1.0, 1.0);
  }

  /// Leaves ranks_ unusable.
  [[nodiscard]] std::optional<double> kendall(std::span<const Placed> sorted, const Group& group) {
    const std::size_t n = sorted.size();
    double tied = 0, tied_both = 0;
    overRuns(
        n, [&](std::size_t i) { return sorted[i].key; },
        [&](std::size_t begin, std::size_t end) {
          if (end - begin == 1) return;  // nearly all
          tied += pairsWithin(end - begin);
          overRuns(
              end - begin, [&](std::size_t i) { return ranks_[begin + i]; },
              [&](std::size_t from, std::size_t to) { tied_both += pairsWithin(to - from); });
        });
    const double all = pairsWithin(n);
    if (n < 2 || all == tied || all == group.tied_pairs) return std::nullopt;
    buffer_.resize(n);
    const double discordant = countInversions(std::span(ranks_), std::span(buffer_));
    const double concordant_minus_discordant = all - tied - group.tied_pairs + tied_both - 2 * discordant;
    return std::clamp(concordant_minus_discordant / std::sqrt(all - tied) / std::sqrt(all - group.tied_pairs), -1.0,
                      1.0);
  }

  std::span<const std::uint32_t> order_;
  std::vector<Placed> dealt_;
  std::vector<std::uint32_t> ranks_, buffer_;  ///< twice the mean ranks of impact, in the criterion's order
};

GroupedScores GroupedScores::without(const std::vector<bool>& left_out) const {
  const auto kept = [&](const auto& valueOf) {
    std::vector<decltype(valueOf(0))> some;
    for (std::size_t i = 0; i < left_out.size(); ++i) {
      if (!left_out[i]) some.push_back(valueOf(i));
    }
    return some;
  };
  std::vector<std::vector<std::uint16_t>> of;
  std::vector<std::size_t> groups;
  for (std::size_t s = 1; s < splits_.size(); ++s) {
    of.push_back(kept([&](std::size_t i) { return splits_[s].standings[i].group; }));
    groups.push_back(splits_[s].groups.size());
  }
  const auto alike = kept([&](std::size_t i) { return splits_[0].standings[i].twice_rank; });
  return {weights_, kept([&](std::size_t i) { return order_[i]; }), alike, std::move(of), groups};
}

GroupedScores::Marks GroupedScores::of(std::span<const float> criterion, bool by_group) const {
  if (criterion.size() != weights_)
    throw Error(Fault::internal, "scores of " + std::to_string(criterion.size()) + " weights and impacts of " +
                                     std::to_string(weights_));
  std::vector<float> by_impact;
  by_impact.reserve(order_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (i + kAhead < order_.size()) __builtin_prefetch(&criterion[order_[i + kAhead]]);
    by_impact.push_back(criterion[order_[i]]);
  }
  if (std::any_of(by_impact.begin(), by_impact.end(), [](float one) { return std::isnan(one); })) {
    std::vector<bool> unknown;
    for (const float one : by_impact) unknown.push_back(std::isnan(one));
    return without(unknown).of(criterion, by_group);
  }
  const auto sorted = ascendingKeys(by_impact);
  by_impact = {};
  Scorer scorer(order_);
  Marks marks{scorer.score(sorted, splits_[0]).front(), {}};
  for (std::size_t s = 1; s < splits_.size() && by_group; ++s) marks.groups.push_back(scorer.score(sorted, splits_[s]));
  return marks;
}

GroupedScores::Marks GroupedScores::ofImpact() const {
  const auto score = [](const Group& group) {
    Score own;
    own.weights = group.size;
    if (group.size == 0) return own;
    if (group.squared_ranks > 0) own.spearman = 1;
    if (pairsWithin(group.size) > group.tied_pairs) own.kendall = 1;
    own.overlap.fill(1);
    own.rbo = overlapOfTops(group.top, group.top, overlapDepth(group.size), group.size).value;
    return own;
  };
  Marks marks{score(splits_[0].groups[0]), {}};
  for (std::size_t s = 1; s < splits_.size(); ++s) {
    auto& scores = marks.groups.emplace_back();
    for (const auto& group : splits_[s].groups) scores.push_back(score(group));
  }
  return marks;
}

}  // namespace heft
