#include "analysis/audit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace heft {
namespace {

/// log P(Poisson(t) > j), by the series of the incomplete gamma function (NIST DLMF 8.7.1).
double logPoissonAbove(double j, double t) {
  double term = 1, sum = 1;
  for (double n = j + 2; term > 1e-17 * sum; ++n) {
    term *= t / n;
    sum += term;
  }
  return std::min(0.0, -t + (j + 1) * std::log(t) - std::lgamma(j + 2) + std::log(sum));
}

/// log of sup over t of exp(-evidence t) P(Poisson(t) > j). The logarithm is concave in t, since P(Poisson(t)
/// > j) is the distribution function of a gamma variable, whose density is log-concave.
double logError(double evidence, std::size_t j) {
  const auto members = static_cast<double>(j);
  const auto value = [&](double t) { return logPoissonAbove(members, t) - evidence * t; };
  double low = 0, high = members + 10 + 10 * std::sqrt(members + 1);
  for (int i = 0; i < 40; ++i) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    if (value(a) < value(b)) {
      low = a;
    } else {
      high = b;
    }
  }
  return value(0.5 * (low + high));
}

AuditDesign designOf(std::span<const double> h, double scale) {
  double caught = 0, left = 0, draws = 0;
  for (const double x : h) {
    const double pi = std::min(1.0, scale * x);
    caught += x * pi;
    left += x * (1 - pi);
    draws += pi;
  }
  return {scale, left > 0 ? caught / left : std::numeric_limits<double>::infinity(), draws};
}

}  // namespace

double evidenceFor(std::size_t j, double alpha) {
  const double wanted = std::log(alpha);
  double low = 0, high = 1;
  while (logError(high, j) > wanted) high *= 2;
  for (int i = 0; i < 40; ++i) {
    const double middle = 0.5 * (low + high);
    (logError(middle, j) > wanted ? low : high) = middle;
  }
  return high;
}

std::size_t missedAtMost(double evidence, double alpha, std::size_t most) {
  if (std::isinf(evidence)) return 0;
  std::size_t low = 0, high = most;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    // A whole number must not be missed by the last bit of evidenceFor.
    if (logError(evidence, middle) <= std::log(alpha) + 1e-9) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

AuditDesign designAudit(std::span<const double> h, double evidence, double most) {
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  for (const double x : h) {
    if (x > 0) smallest = std::min(smallest, x);
    largest = std::max(largest, x);
  }
  if (largest == 0) return {0, std::numeric_limits<double>::infinity(), 0};

  // Draws and evidence grow with the scale, which may span hundreds of decades: its logarithm is halved.
  struct Bracket {
    AuditDesign below, reached;
  };
  const auto search = [&](const auto& reached) {
    // At 2 / smallest every weight is executed for certain.
    double low = std::log(1e-9 / largest / static_cast<double>(h.size()));
    double high = std::log(std::min(2 / smallest, std::numeric_limits<double>::max()));
    Bracket bracket{{}, designOf(h, std::exp(high))};
    while (high - low > 1e-3) {
      const double middle = 0.5 * (low + high);
      const AuditDesign design = designOf(h, std::exp(middle));
      (reached(design) ? high : low) = middle;
      (reached(design) ? bracket.reached : bracket.below) = design;
    }
    return bracket;
  };
  const AuditDesign enough = search([&](const AuditDesign& d) { return d.evidence >= evidence; }).reached;
  if (enough.draws <= most) return enough;
  return search([&](const AuditDesign& d) { return d.draws > most; }).below;
}

}  // namespace heft
