#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace heft {

/// Two lists over the same weights, sorted once by each, for all the statistics that ask for their order; `T` is float or
/// double. What the statistics mean stands in rank_statistics.hpp.
template <class T>
class RankedPairs {
 public:
  /// Leaves out pairs with a NaN. Throws Error(Fault::internal) where the lists differ in length.
  RankedPairs(std::span<const T> a, std::span<const T> b);

  [[nodiscard]] std::size_t size() const noexcept { return a_.size(); }
  [[nodiscard]] const std::vector<T>& a() const noexcept { return a_; }
  [[nodiscard]] const std::vector<T>& b() const noexcept { return b_; }

  [[nodiscard]] std::optional<double> spearman() const;
  [[nodiscard]] std::optional<double> kendallTauB() const;
  [[nodiscard]] std::optional<double> topOverlap(std::size_t k) const;

 private:
  std::vector<T> a_, b_;
  std::vector<std::uint32_t> by_b_, by_a_;  ///< ascending; by_a_ by b where a is equal, then by place
  std::vector<T> sorted_a_,
      sorted_b_;  ///< in these orders: looking values up again by place would take longer than sorting
};

extern template class RankedPairs<float>;
extern template class RankedPairs<double>;

}  // namespace heft
