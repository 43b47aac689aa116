#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace heft {

/// The estimated impact of every weight, one span a parameter. A weight is named by its *flat index*: its
/// place in all spans laid end to end. The spans must outlive this.
class Estimates {
 public:
  /// Throws Error(Fault::internal) on an estimate that is NaN, infinite or negative.
  explicit Estimates(std::vector<std::span<const double>> parameters);

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.back(); }
  [[nodiscard]] std::size_t parameters() const noexcept { return spans_.size(); }
  [[nodiscard]] std::span<const double> of(std::size_t parameter) const { return spans_[parameter]; }
  [[nodiscard]] std::size_t offset(std::size_t parameter) const { return offsets_[parameter]; }
  [[nodiscard]] std::size_t parameterOf(std::size_t flat) const;
  [[nodiscard]] double at(std::size_t flat) const;

 private:
  std::vector<std::span<const double>> spans_;
  std::vector<std::size_t> offsets_;  // one more than there are parameters
};

/// Strata: parameter x decile of its estimates above zero; zero estimates are a stratum of their own.
class Strata {
 public:
  static constexpr std::size_t kPerParameter = 11;  // 0: estimates of zero; 1 ... 10: deciles, the largest last

  explicit Strata(const Estimates& estimates);

  [[nodiscard]] std::size_t count() const noexcept { return thresholds_.size() * kPerParameter; }
  [[nodiscard]] std::size_t of(std::size_t parameter, double estimate) const noexcept;
  [[nodiscard]] static std::size_t parameterOf(std::size_t stratum) noexcept { return stratum / kPerParameter; }
  [[nodiscard]] static bool isZero(std::size_t stratum) noexcept { return stratum % kPerParameter == 0; }
  /// How many weights each stratum holds.
  [[nodiscard]] const std::vector<std::size_t>& populations() const noexcept { return populations_; }

 private:
  std::vector<std::array<double, 9>> thresholds_;  // by parameter: a decile's smallest estimate, from the second on
  std::vector<std::size_t> populations_;
};

/// Says which class the weight (flat index, parameter, estimate) belongs to, or kNoClass.
using ClassOf = std::function<std::size_t(std::size_t flat, std::size_t parameter, double estimate)>;
inline constexpr std::size_t kNoClass = static_cast<std::size_t>(-1);

/// For each class, wanted[class] of its populations[class] weights without replacement, in random order.
[[nodiscard]] std::vector<std::vector<std::size_t>> drawWithin(const Estimates& estimates, const ClassOf& class_of,
                                                               std::span<const std::size_t> populations,
                                                               std::span<const std::size_t> wanted, std::uint64_t seed,
                                                               std::string_view purpose, std::uint64_t index);

/// How many draws each stratum gets: parameters share `draws` equally (a small one is drawn whole and leaves
/// its share to the others), and so do the strata of one parameter. So a matrix of few weights is known as
/// well as a large one.
[[nodiscard]] std::vector<std::size_t> shareDraws(const Strata& strata, std::size_t draws);

/// The random calibration sample: a list a stratum, without replacement, in random order. `zeros`: the fewest draws of each
/// stratum of zero estimates (all of a smaller one), above its share where need be: their interval takes as many.
[[nodiscard]] std::vector<std::vector<std::size_t>> drawStratified(const Estimates& estimates, const Strata& strata,
                                                                   std::size_t draws, std::uint64_t seed,
                                                                   std::size_t zeros = 0);

}  // namespace heft
