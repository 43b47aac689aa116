#include "compare/measures/weight_criteria.hpp"

#include <cmath>

#include "analysis/random.hpp"

namespace heft {

WeightScores magnitudes(WeightScores weights) {
  for (auto& parameter : weights) {
    for (auto& one : parameter) one = std::abs(one);
  }
  return weights;
}

WeightScores normalisedMagnitudes(WeightScores weights) {
  auto scores = magnitudes(std::move(weights));
  for (auto& parameter : scores) {
    double squares = 0;
    for (const auto one : parameter) squares += static_cast<double>(one) * static_cast<double>(one);
    const double rms = std::sqrt(squares / static_cast<double>(parameter.size()));
    for (auto& one : parameter) one = rms > 0 ? static_cast<float>(static_cast<double>(one) / rms) : 0.0f;
  }
  return scores;
}

WeightScores randomScores(const WeightScores& like, std::uint64_t seed, std::uint64_t draw) {
  WeightScores scores;
  Random random(seed, "random criterion", draw);
  for (const auto& parameter : like) {
    auto& own = scores.emplace_back();
    own.reserve(parameter.size());
    for (std::size_t i = 0; i < parameter.size(); ++i) own.push_back(static_cast<float>(random.uniform()));
  }
  return scores;
}

std::optional<WeightScores> scoresOfWeights(Criterion criterion, const WeightScores& weights, std::uint64_t seed) {
  switch (criterion) {
    case Criterion::magnitude:
      return magnitudes(weights);
    case Criterion::magnitude_normalised:
      return normalisedMagnitudes(weights);
    case Criterion::random:
      return randomScores(weights, seed, 1);
    default:
      return std::nullopt;
  }
}

}  // namespace heft
