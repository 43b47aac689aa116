#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/rank_biased_overlap.hpp"
#include "analysis/scorecard.hpp"

namespace heft {

/// Groups of weights that don't overlap.
struct Grouping {
  static constexpr std::uint16_t none = 0xffff;
  std::vector<std::uint16_t> of;  ///< [weights]: the number of its group, `none` where it is in none
  std::size_t groups = 0;         ///< at most `none`
};

/// The marks of many criteria against the same impacts, of all weights and group by group: what rank_statistics.hpp gives for each, to the
/// last bit. The impacts are sorted once and each criterion once, however many groupings there are, since a list in order that
/// is dealt out to its groups is in order in each.
class GroupedScores {
 public:
  /// Weights whose impact is NaN take no part. Throws Error(Fault::internal) where the lists differ in length.
  GroupedScores(std::span<const float> impact, std::span<const Grouping> groupings);

  struct Marks {
    Score overall;
    std::vector<std::vector<Score>> groups;  ///< [groupings][groups]
  };
  /// Pairs in which the criterion is NaN are left out too, which takes about twice as long. `by_group` false: overall alone.
  /// Thread-safe.
  [[nodiscard]] Marks of(std::span<const float> criterion, bool by_group = true) const;
  /// What `of` says of the impacts themselves.
  [[nodiscard]] Marks ofImpact() const;

 private:
  /// A group as the impacts see it; what no criterion changes.
  struct Group {
    std::size_t size = 0;
    double squared_ranks = 0, tied_pairs = 0;
    std::vector<RankedPlace> top;  ///< for rank-biased overlap
  };
  /// How a weight stands in its group. In one piece, since a criterion asks for it in its own order: once from far memory.
  struct Standing {
    std::uint32_t twice_rank = 0;  ///< mean rank in the group, from 1
    std::uint16_t group = 0;       ///< `none`: in no group, and nothing else is known
    std::uint8_t tops = 0;         ///< bit s: in the top overlapShares[s] of the group
  };
  /// All groups of a grouping. A position is a weight's place in the order of impacts.
  struct Split {
    std::vector<Group> groups;
    std::vector<Standing> standings;  ///< [positions]
  };

  /// `alike` is [positions], equal where impacts are; `of` is [groupings][positions], the groups.
  GroupedScores(std::size_t weights, std::vector<std::uint32_t> order, std::span<const std::uint32_t> alike,
                std::vector<std::vector<std::uint16_t>> of, std::span<const std::size_t> groups);
  /// `of` empty: all are in the first group.
  [[nodiscard]] Split splitOf(std::vector<std::uint16_t> of, std::size_t groups,
                              std::span<const std::uint32_t> alike) const;
  [[nodiscard]] GroupedScores without(const std::vector<bool>& left_out) const;

  struct Placed;
  class Scorer;

  std::size_t weights_ = 0;
  std::vector<std::uint32_t> order_;  ///< [positions]: the weight; ascending by impact, then by weight
  std::vector<Split> splits_;         ///< all weights together, then the groupings
};

}  // namespace heft
