#include "analysis/binomial.hpp"

#include <algorithm>
#include <cmath>

#include "heft/error.hpp"

namespace heft {

double binomialAtMost(std::size_t hits, std::size_t draws, double p) {
  if (!(p >= 0 && p <= 1)) throw Error(Fault::internal, "a probability of " + std::to_string(p));
  if (hits >= draws || p == 0) return 1;
  if (p == 1) return 0;
  const auto n = static_cast<double>(draws);
  const double odds = std::log(p) - std::log1p(-p);
  double sum = 0, logarithm = n * std::log1p(-p);
  for (std::size_t k = 0;; ++k) {
    sum += std::exp(logarithm);
    if (k == hits) return std::min(sum, 1.0);
    logarithm += std::log(n - static_cast<double>(k)) - std::log(static_cast<double>(k) + 1) + odds;
  }
}

}  // namespace heft
