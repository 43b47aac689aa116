#include "analysis/impact_sums.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heft/error.hpp"

namespace heft {

void ImpactSums::add(float impact, bool was_executed) noexcept {
  if (std::isnan(impact)) return;
  const double value = impact;
  ++weights;
  sum += value;
  squares += value * value;
  largest = std::max(largest, value);
  if (!was_executed) return;
  ++executed;
  executed_squares += value * value;
}

ImpactSums& ImpactSums::operator+=(const ImpactSums& other) noexcept {
  weights += other.weights;
  executed += other.executed;
  sum += other.sum;
  squares += other.squares;
  executed_squares += other.executed_squares;
  largest = std::max(largest, other.largest);
  return *this;
}

double ImpactSums::mean() const noexcept { return weights == 0 ? 0 : sum / static_cast<double>(weights); }

SignedSums& SignedSums::operator+=(const SignedSums& other) noexcept {
  negative += other.negative;
  zero += other.zero;
  positive += other.positive;
  return *this;
}

ImpactSums SignedSums::all() const noexcept {
  ImpactSums total = negative;
  total += zero;
  total += positive;
  return total;
}

double aggregated(const ImpactSums& sums, Aggregate how) noexcept {
  return how == Aggregate::root_of_squares ? std::sqrt(sums.squares) : sums.sum;
}

double additive(const ImpactSums& sums, Aggregate how) noexcept {
  return how == Aggregate::root_of_squares ? sums.squares : sums.sum;
}

double shareOf(const ImpactSums& part, const ImpactSums& whole, Aggregate how) noexcept {
  const double total = additive(whole, how);
  return total > 0 ? additive(part, how) / total : 0;
}

std::vector<SignedSums> sumsByRow(std::span<const float> weight, std::span<const float> impact,
                                  std::span<const std::uint8_t> executed, std::size_t columns) {
  if (impact.size() != weight.size() || executed.size() != weight.size() || columns == 0 ||
      weight.size() % columns != 0) {
    throw Error(Fault::internal, "sums by row of " + std::to_string(weight.size()) + " weights, " +
                                     std::to_string(impact.size()) + " impacts and " + std::to_string(columns) +
                                     " columns: sizes that belong together were expected");
  }
  std::vector<SignedSums> rows(weight.size() / columns);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = r * columns; i < (r + 1) * columns; ++i) {
      ImpactSums& of = weight[i] < 0 ? rows[r].negative : weight[i] > 0 ? rows[r].positive : rows[r].zero;
      of.add(impact[i], executed[i] != 0);
    }
  }
  return rows;
}

}  // namespace heft
