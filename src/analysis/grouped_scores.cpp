#include "analysis/grouped_scores.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "analysis/inversions.hpp"
#include "analysis/order.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

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

std::size_t topSize(std::size_t share, std::size_t size) {
  return std::min(size, static_cast<std::size_t>(std::ceil(overlapShares.at(share) * static_cast<double>(size))));
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

/// Deals `items` out in their order, those of group g from begins[g] on.
template <class Item, class GroupOf>
void deal(const std::vector<Item>& items, std::vector<std::size_t> begins, const GroupOf& groupOf,
          std::vector<Item>& out) {
  out.resize(begins.back());
  for (const Item& one : items) {
    if (const auto group = groupOf(one); group != Grouping::none) out[begins[group]++] = one;
  }
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
  Split split{std::move(of), std::vector<Group>(groups), std::vector<std::uint32_t>(order_.size()),
              std::vector<std::uint8_t>(order_.size())};
  std::vector<std::uint32_t> all(order_.size()), dealt;
  std::iota(all.begin(), all.end(), 0U);
  const bool whole = split.of.empty();
  std::vector<std::size_t> begins(groups + 1, 0);
  if (whole) begins.back() = all.size();
  for (const auto group : split.of) {
    if (group != Grouping::none) ++begins[group + 1U];
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  if (!whole)
    deal(
        all, begins, [&](std::uint32_t position) { return split.of[position]; }, dealt);
  for (std::size_t g = 0; g < groups; ++g) {
    auto& group = split.groups[g];
    group.size = begins[g + 1] - begins[g];
    const std::uint32_t* positions = (whole ? all : dealt).data() + begins[g];
    const auto keyOf = [&](std::size_t i) { return alike[positions[i]]; };
    const double middle = 0.5 * static_cast<double>(group.size + 1);
    overRuns(group.size, keyOf, [&](std::size_t begin, std::size_t end) {
      const double rank = 0.5 * static_cast<double>(begin + 1 + end) - middle;
      group.squared_ranks += static_cast<double>(end - begin) * rank * rank;
      group.tied_pairs += pairsWithin(end - begin);
      for (std::size_t i = begin; i < end; ++i)
        split.twice_rank[positions[i]] = static_cast<std::uint32_t>(begin + 1 + end);
    });
    for (std::size_t s = 0; s < overlapShares.size() && group.size > 0; ++s) {
      takeTop(
          group.size, topSize(s, group.size), keyOf, [&](std::size_t i) { return order_[positions[i]]; },
          [&](std::size_t i) { split.tops[positions[i]] |= static_cast<std::uint8_t>(1U << s); });
    }
    group.top = rankedTop(group.size, keyOf, [&](std::size_t i) { return positions[i]; });
  }
  return split;
}

/// Gives marks from a criterion's order: ascending, equal scores by impact, then by weight; places are positions.
class GroupedScores::Scorer {
 public:
  explicit Scorer(std::span<const std::uint32_t> order) : order_(order) {}

  Score score(std::span<const KeyedPlace> sorted, const Split& split, const Group& group) {
    const std::size_t n = sorted.size();
    Score score;
    score.weights = n;
    if (n == 0) return score;
    ranks_.resize(n);
    for (std::size_t i = 0; i < n; ++i) ranks_[i] = split.twice_rank[sorted[i].place];
    score.spearman = spearman(sorted, group);
    const auto keyOf = [&](std::size_t i) { return sorted[i].key; };
    for (std::size_t s = 0; s < overlapShares.size(); ++s) {
      const std::size_t k = topSize(s, n);
      std::size_t common = 0;
      takeTop(
          n, k, keyOf, [&](std::size_t i) { return order_[sorted[i].place]; },
          [&](std::size_t i) { common += (split.tops[sorted[i].place] >> s) & 1U; });
      score.overlap.at(s) = static_cast<double>(common) / static_cast<double>(k);
    }
    const auto top = rankedTop(n, keyOf, [&](std::size_t i) { return sorted[i].place; });
    score.rbo = overlapOfTops(top, group.top, overlapDepth(n), n).value;
    score.kendall = kendall(sorted, group);
    return score;
  }

 private:
  [[nodiscard]] std::optional<double> spearman(std::span<const KeyedPlace> sorted, const Group& group) const {
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
  [[nodiscard]] std::optional<double> kendall(std::span<const KeyedPlace> sorted, const Group& group) {
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
  std::vector<std::uint32_t> ranks_, buffer_;  ///< twice the mean ranks of impact, in the criterion's order
};

GroupedScores GroupedScores::without(const std::vector<bool>& left_out) const {
  const auto kept = [&](const auto& list) {
    std::remove_cvref_t<decltype(list)> some;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!left_out[i]) some.push_back(list[i]);
    }
    return some;
  };
  std::vector<std::vector<std::uint16_t>> of;
  std::vector<std::size_t> groups;
  for (std::size_t s = 1; s < splits_.size(); ++s) {
    of.push_back(kept(splits_[s].of));
    groups.push_back(splits_[s].groups.size());
  }
  return {weights_, kept(order_), kept(splits_[0].twice_rank), std::move(of), groups};
}

GroupedScores::Marks GroupedScores::of(std::span<const float> criterion, bool by_group) const {
  if (criterion.size() != weights_)
    throw Error(Fault::internal, "scores of " + std::to_string(criterion.size()) + " weights and impacts of " +
                                     std::to_string(weights_));
  std::vector<float> by_impact;
  by_impact.reserve(order_.size());
  for (const auto weight : order_) by_impact.push_back(criterion[weight]);
  if (std::any_of(by_impact.begin(), by_impact.end(), [](float one) { return std::isnan(one); })) {
    std::vector<bool> unknown;
    for (const float one : by_impact) unknown.push_back(std::isnan(one));
    return without(unknown).of(criterion, by_group);
  }
  const auto sorted = ascendingKeys(by_impact);
  by_impact = {};
  Scorer scorer(order_);
  Marks marks{scorer.score(sorted, splits_[0], splits_[0].groups[0]), {}};
  std::vector<KeyedPlace> dealt;
  for (std::size_t s = 1; s < splits_.size() && by_group; ++s) {
    const auto& split = splits_[s];
    std::vector<std::size_t> begins{0};
    for (const auto& group : split.groups) begins.push_back(begins.back() + group.size);
    deal(
        sorted, begins, [&](const KeyedPlace& one) { return split.of[one.place]; }, dealt);
    auto& scores = marks.groups.emplace_back();
    for (std::size_t g = 0; g < split.groups.size(); ++g)
      scores.push_back(
          scorer.score(std::span(dealt).subspan(begins[g], begins[g + 1] - begins[g]), split, split.groups[g]));
  }
  return marks;
}

}  // namespace heft
