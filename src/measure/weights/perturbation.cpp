#include "measure/weights/perturbation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "analysis/random.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

using Kind = Perturbation::Kind;

template <typename Of>
double meanOf(std::span<const double> values, const Of& of) {
  double sum = 0;
  for (const double w : values) sum += of(w);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double mean(std::span<const double> values) {
  const double rough = meanOf(values, [](double w) { return w; });
  // What the first sum lost to rounding; makes the mean of equal values exactly that value.
  return rough + meanOf(values, [&](double w) { return w - rough; });
}

double deviation(std::span<const double> values) {
  const double centre = mean(values);
  return std::sqrt(meanOf(values, [&](double w) { return (w - centre) * (w - centre); }));
}

double largest(std::span<const double> values) {
  double largest = 0;
  for (const double w : values) largest = std::max(largest, std::abs(w));
  return largest;
}

}  // namespace

Perturber::Perturber(std::span<const double> values, const Perturbation& perturbation, std::uint64_t seed,
                     std::int64_t parameter)
    : values_(values), perturbation_(perturbation), seed_(seed), parameter_(parameter) {
  if (!facts(perturbation.kind).of_matrix) return;
  const auto odd = std::find_if_not(values.begin(), values.end(), [](double w) { return std::isfinite(w); });
  if (odd != values.end()) {
    throw Error(Fault::unsupported, "perturbation " + perturbation.text() + " needs finite weights, found " +
                                        std::to_string(*odd) + " at place " + std::to_string(odd - values.begin()) +
                                        " of parameter " + std::to_string(parameter) +
                                        "; leave that parameter out, or use zero, scale or flip");
  }
  if (perturbation.kind == Kind::mean) of_matrix_ = mean(values);
  if (perturbation.kind == Kind::noise) of_matrix_ = perturbation.amount * deviation(values);
  if (perturbation.kind != Kind::round) return;
  levels_ = std::exp2(perturbation.amount - 1) - 1;
  of_matrix_ = levels_ > 0 ? largest(values) : meanOf(values, [](double w) { return std::abs(w); });
}

/// One number for every weight of every parameter, as long as a parameter has less than 2^40 weights.
std::uint64_t Perturber::drawOf(std::int64_t flat) const noexcept {
  return (static_cast<std::uint64_t>(parameter_) << 40U) + static_cast<std::uint64_t>(flat);
}

double Perturber::change(double w, std::int64_t flat) const {
  switch (perturbation_.kind) {
    case Kind::zero:
      return 0;
    case Kind::mean:
      return of_matrix_;
    case Kind::permute: {
      if (values_.size() < 2) return w;
      const std::size_t other = Random(seed_, "permute", drawOf(flat)).below(values_.size() - 1);
      return values_[other + (other >= static_cast<std::size_t>(flat) ? 1 : 0)];
    }
    case Kind::noise:
      return w + of_matrix_ * Random(seed_, "noise", drawOf(flat)).normal();
    case Kind::scale:
      return perturbation_.amount * w;
    case Kind::flip:
      return -w;
    case Kind::round:
      if (levels_ == 0) return w < 0 ? -of_matrix_ : of_matrix_;
      // In this order the largest weight stays what it is, to the last bit.
      return of_matrix_ > 0 ? std::nearbyint(w / of_matrix_ * levels_) / levels_ * of_matrix_ : 0;
  }
  return w;
}

std::vector<double> Perturber::change(std::span<const std::int64_t> flat) const {
  std::vector<double> changed;
  changed.reserve(flat.size());
  for (const std::int64_t i : flat) changed.push_back(change(i));
  return changed;
}

}  // namespace heft
