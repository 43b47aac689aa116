#include "analysis/paired_test.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace heft {

std::optional<PairedBootstrap> pairedBootstrap(std::size_t samples, const SampleStatistic& first,
                                               const SampleStatistic& second, const BootstrapOptions& options) {
  std::vector<double> differences;  // that of all samples first, then one a draw
  const auto difference = [&](std::span<const std::size_t> places) {
    differences.push_back(first(places) - second(places));
    return differences.back();
  };
  const auto interval = bootstrap(samples, difference, options);
  if (!interval) return std::nullopt;
  std::size_t at_most = 0, at_least = 0, draws = 0;
  for (std::size_t r = 1; r < differences.size(); ++r) {
    if (std::isnan(differences[r])) continue;
    ++draws;
    at_most += differences[r] <= 0 ? 1U : 0U;
    at_least += differences[r] >= 0 ? 1U : 0U;
  }
  const double tail = static_cast<double>(1 + std::min(at_most, at_least)) / static_cast<double>(1 + draws);
  return PairedBootstrap{*interval, std::min(1.0, 2 * tail)};
}

}  // namespace heft
