#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/stored/settings.hpp"

namespace heft {

/// The new values of one parameter's weights under a perturbation. What it needs of the whole parameter (the
/// *matrix*, for a tensor of any shape) is taken once, from the values before any change; then a weight costs
/// a few operations, and its new value depends on nothing but (values, perturbation, seed, parameter, place):
/// not on which others change with it, in what order, or in what chunks. So a weight changes alike alone and
/// within a component.
///
///   zero     0
///   mean     the matrix's mean
///   permute  the value of another weight of the matrix, each of them equally likely. Weights of a component draw
///            independently of each other, so a joint change is a draw with replacement from the whole matrix
///   noise:S  w + S s z, with s the matrix's standard deviation (of all its weights: divided by n) and z standard normal
///   scale:F  F w
///   flip     -w
///   round:B  the nearest of the 2^B - 1 levels q = -m step, ..., m step, with m = 2^(B-1) - 1 and step = max|w| / m; halves
///            to even. B = 1: sign(w) mean|w|, with sign(0) = 1 (Rastegari et al. 2016, XNOR-Net, eq. 6)
class Perturber {
 public:
  /// `values` is [weights], row-major, and must outlive this; `parameter` is its index in
  /// Structure::parameters. Throws Error(Fault::unsupported) where mean, noise or round find a value that is
  /// not finite.
  Perturber(std::span<const double> values, const Perturbation& perturbation, std::uint64_t seed,
            std::int64_t parameter);

  /// The new value of the weight at the flat place.
  [[nodiscard]] double change(std::int64_t flat) const { return change(values_[static_cast<std::size_t>(flat)], flat); }
  /// The same, for a caller that has the weight's value at hand: `w` must be values[flat].
  [[nodiscard]] double change(double w, std::int64_t flat) const;
  /// [flat.size()]: change(flat[i]).
  [[nodiscard]] std::vector<double> change(std::span<const std::int64_t> flat) const;

 private:
  [[nodiscard]] std::uint64_t drawOf(std::int64_t flat) const noexcept;

  std::span<const double> values_;
  Perturbation perturbation_;
  std::uint64_t seed_;
  std::int64_t parameter_;
  double of_matrix_ = 0;  // mean: the mean; noise: S s; round: max|w|, or with one bit mean|w|
  double levels_ = 0;     // round: levels above zero
};

}  // namespace heft
