#include "measure/metrics/group_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One sample's parts of a group.
struct Share {
  double sum = 0, largest = 0;
  std::size_t parts = 0;

  void add(double part) {
    sum += part;
    if (!(part <= largest)) largest = part;  // NaN stays
    ++parts;
  }
};

/// [groups]: the shares of the samples that have parts of the group, in the samples' order.
std::vector<std::vector<Share>> sharesOf(std::span<const double> parts, std::span<const std::int32_t> group_of,
                                         std::size_t samples, std::size_t groups) {
  std::vector<std::vector<Share>> shares(groups);
  std::vector<std::size_t> last(groups, samples);  // the sample that a group's last share is of
  const std::size_t width = samples == 0 ? 0 : parts.size() / samples;
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t i = s * width; i < (s + 1) * width; ++i) {
      if (group_of[i] < 0) continue;
      const auto group = static_cast<std::size_t>(group_of[i]);
      if (last[group] != s) {
        shares[group].emplace_back();
        last[group] = s;
      }
      shares[group].back().add(parts[i]);
    }
  }
  return shares;
}

double largestOf(const std::vector<Share>& shares) {
  double largest = 0;
  for (const Share& share : shares) {
    if (!(share.largest <= largest)) largest = share.largest;
  }
  return largest;
}

/// Of the mean over all parts.
double errorOf(const std::vector<Share>& shares, double mean, double parts) {
  if (shares.size() < 2) return kNone;
  double squares = 0;
  for (const Share& share : shares) {
    const double rest = share.sum - mean * static_cast<double>(share.parts);
    squares += rest * rest;
  }
  const auto samples = static_cast<double>(shares.size());
  return std::sqrt(samples / (samples - 1) * squares) / parts;
}

}  // namespace

GroupValues groupValues(Metric metric, std::span<const double> parts, std::span<const std::int32_t> group_of,
                        std::size_t samples, std::size_t groups) {
  if (parts.size() != group_of.size() || (samples > 0 && parts.size() % samples != 0))
    throw Error(Fault::internal, "impacts by group: " + std::to_string(parts.size()) + " parts and " +
                                     std::to_string(group_of.size()) + " groups of them for " +
                                     std::to_string(samples) + " samples");
  GroupValues values;
  for (const auto& shares : sharesOf(parts, group_of, samples, groups)) {
    double sum = 0;
    std::size_t count = 0;
    for (const Share& share : shares) {
      sum += share.sum;
      count += share.parts;
    }
    if (count == 0 || facts(metric).reduction == Reduction::largest) {
      values.value.push_back(count == 0 ? kNone : largestOf(shares));
      values.standard_error.push_back(kNone);
      continue;
    }
    const double mean = sum / static_cast<double>(count);
    const double error = errorOf(shares, mean, static_cast<double>(count));
    const auto reduction = facts(metric).reduction;
    const bool is_rms = reduction == Reduction::root_of_mean;
    values.value.push_back(is_rms ? std::sqrt(mean) : reduction == Reduction::size_of_mean ? std::abs(mean) : mean);
    values.standard_error.push_back(!is_rms ? error : mean == 0 ? 0 : error / (2 * std::sqrt(mean)));
  }
  return values;
}

}  // namespace heft
