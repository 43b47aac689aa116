#pragma once

#include <cstddef>
#include <span>

namespace heft {

/// How many members of the top may be missing after a random audit of the weights that were not executed.
///
/// A weight's *reach* is what it could have at most, as a share of the top's threshold, if its estimate were
/// as far off as the worst executed one like it: reach = estimate x worst ratio / threshold. All weights of
/// reach above 1 are executed, so what is left lies in [0, 1], and a missed member is a weight whose ratio is
/// worse than the worst one seen by a factor above 1 / reach.
///
/// The audit executes each weight independently with probability pi = min(1, s h), h = reach^8. If it finds a
/// member, the search goes on; if it finds none, the number X of members among the weights that are left is
/// bounded:
///
///     P(no member found and X > j)  <=  sup over t > 0 of exp(-E t) P(Poisson(t) > j),
///     E = sum(h pi) / sum(h (1 - pi)),   the evidence of the audit.
///
/// What is assumed: weights are members independently of each other, with probability h phi(reach), and phi
/// does not fall with reach. In words: the chance that an estimate is too low by a factor of x times the
/// worst factor seen falls at least like x^-8. Then members found and members left are independent, about
/// Poisson, with means sum(h phi pi) and sum(h phi (1 - pi)), and the second is at most 1 / E of the first,
/// because phi and pi both grow with reach (Chebyshev's sum inequality). The bound takes the worst mean t of
/// what is left.
///
/// Nothing else about the ratios is assumed, and nothing that executes few weights holds without such an
/// assumption: of millions of weights, a handful whose estimates are off by a factor of 10, while those of
/// all weights seen are right, stay unseen. Between its
/// 97.5 % quantile and its largest value, the ratio of a character LSTM's weights fell like x^-16 to x^-76.
///
/// How often a settled top of k = 20 missed a member in simulations of 20,000 weights (promised: 5 % at
/// most): log-normal errors of up to 30 %, a tail like x^-8, or a whole matrix three times too low: in 0 of
/// 200. Outside the assumption: a tail like x^-4 in 1 % of the weights 6 %, like x^-3 in 5 % of them 21 %;
/// estimates ten times too low for 1 weight in 10,000 12 %, for 1 in 1,000 47 %.

/// The evidence that bounds the missing members by j at error probability alpha.
[[nodiscard]] double evidenceFor(std::size_t j, double alpha);

/// The smallest such j, at most `most`, for the evidence there is.
[[nodiscard]] std::size_t missedAtMost(double evidence, double alpha, std::size_t most);

/// The 8th power above.
[[nodiscard]] constexpr double steep(double reach) noexcept {
  const double square = reach * reach, fourth = square * square;
  return fourth * fourth;
}

struct AuditDesign {
  double scale = 0;     ///< s above
  double evidence = 0;  ///< E above; infinite where every weight of positive reach is executed
  double draws = 0;     ///< expected number of weights to execute
};

/// The smallest design that reaches `evidence`, or the largest with at most `most` expected draws. `h` of
/// every weight that was not executed, as by `steep`, in any order.
[[nodiscard]] AuditDesign designAudit(std::span<const double> h, double evidence, double most);

}  // namespace heft
