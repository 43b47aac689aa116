#include "analysis/paired_test.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/random.hpp"
#include "heft/error.hpp"

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

std::optional<SignFlip> signFlipTest(std::span<const double> first, std::span<const double> second, std::size_t flips,
                                     std::uint64_t seed) {
  if (first.size() != second.size() || flips == 0) {
    throw Error(Fault::internal, "a sign-flip test needs flips and two lists of one length, found " +
                                     std::to_string(flips) + " flips, " + std::to_string(first.size()) + " and " +
                                     std::to_string(second.size()) + " values");
  }
  std::vector<double> differences;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!std::isnan(first[i]) && !std::isnan(second[i])) differences.push_back(first[i] - second[i]);
  }
  if (differences.empty()) return std::nullopt;
  const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
  const double reached = std::abs(sum) * (1 - 1e-12);
  std::size_t as_far = 0;
  for (std::size_t r = 0; r < flips; ++r) {
    Random random(seed, "sign flip", r);
    double flipped = 0;
    for (const double difference : differences) flipped += random.sign() * difference;
    as_far += std::abs(flipped) >= reached ? 1U : 0U;
  }
  return SignFlip{sum / static_cast<double>(differences.size()),
                  static_cast<double>(1 + as_far) / static_cast<double>(1 + flips)};
}

}  // namespace heft
