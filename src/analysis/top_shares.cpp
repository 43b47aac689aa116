#include "analysis/top_shares.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "analysis/order.hpp"

namespace heft {
namespace {

constexpr std::size_t kHalf = std::size_t{1} << 16;  // values of half a key

/// Largest first.
std::uint32_t keyOf(float value) { return orderKey(-value); }

template <class Each>
void overKeys(std::span<const std::vector<float>> lists, const Each& each) {
  for (std::size_t l = 0; l < lists.size(); ++l) {
    for (std::size_t i = 0; i < lists[l].size(); ++i) {
      if (!std::isnan(lists[l][i])) each(keyOf(lists[l][i]), l, i);
    }
  }
}

/// Where a share ends: at the value of rank `rank`, of those with that value after the `rank` first.
struct Cut {
  std::size_t rank;       ///< from 0; among those with its key once that is known
  std::uint32_t key = 0;  ///< the upper half first
};

/// Finds the entry of `counts` that the rank falls into, and counts on from there.
std::size_t descend(std::span<const std::size_t> counts, std::size_t& rank) {
  std::size_t entry = 0;
  while (entry + 1 < counts.size() && rank >= counts[entry]) rank -= counts[entry++];
  return entry;
}

std::vector<Cut> cutsOf(std::span<const std::vector<float>> lists, std::span<const double> shares) {
  std::vector<std::size_t> upper(kHalf);
  std::size_t count = 0;
  overKeys(lists, [&](std::uint32_t key, std::size_t, std::size_t) {
    ++upper[key >> 16];
    ++count;
  });
  std::vector<Cut> cuts;
  std::vector<std::vector<std::size_t>> lower(kHalf);  // of those upper halves that a cut falls into
  for (const double share : shares) {
    Cut cut{static_cast<std::size_t>(std::llround(share * static_cast<double>(count)))};
    cut.key = static_cast<std::uint32_t>(descend(upper, cut.rank)) << 16;
    lower[cut.key >> 16].resize(kHalf);
    cuts.push_back(cut);
  }
  overKeys(lists, [&](std::uint32_t key, std::size_t, std::size_t) {
    if (auto& counts = lower[key >> 16]; !counts.empty()) ++counts[key & (kHalf - 1)];
  });
  for (auto& cut : cuts) cut.key |= static_cast<std::uint32_t>(descend(lower[cut.key >> 16], cut.rank));
  return cuts;
}

}  // namespace

std::vector<std::vector<std::vector<std::uint32_t>>> topShares(std::span<const std::vector<float>> lists,
                                                               std::span<const double> shares) {
  auto cuts = cutsOf(lists, shares);
  // The share of most values shows in the upper half of their key.
  constexpr std::uint8_t kMixed = 255;
  std::vector<std::uint8_t> share_of(kHalf);
  for (std::size_t half = 0; half < kHalf; ++half) {
    const auto below = std::count_if(cuts.begin(), cuts.end(), [&](const Cut& cut) { return cut.key >> 16 < half; });
    const bool mixed = std::any_of(cuts.begin(), cuts.end(), [&](const Cut& cut) { return cut.key >> 16 == half; });
    share_of[half] = mixed ? kMixed : static_cast<std::uint8_t>(below);
  }
  std::vector<std::vector<std::vector<std::uint32_t>>> entries(shares.size() + 1);
  for (auto& entry : entries) entry.resize(lists.size());
  overKeys(lists, [&](std::uint32_t key, std::size_t list, std::size_t place) {
    std::size_t share = share_of[key >> 16];
    if (share == kMixed) {
      share = 0;
      for (auto& cut : cuts) {
        const bool within = key < cut.key || (key == cut.key && cut.rank > 0);
        if (key == cut.key && cut.rank > 0) --cut.rank;
        if (!within) ++share;
      }
    }
    entries[share][list].push_back(static_cast<std::uint32_t>(place));
  });
  return entries;
}

}  // namespace heft
