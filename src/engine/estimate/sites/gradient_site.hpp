#pragma once

#include "engine/estimate/sites/site.hpp"

namespace heft {

/// Whatever autograd can differentiate: first-order per-sample gradients of the parameter itself.
class GradientSite : public Site {
 public:
  /// `leaf` has the parameter's shape and stands in for it where the site reads it.
  GradientSite(std::string name, int64_t parameter, at::Tensor leaf);

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SiteKind kind() const override { return SiteKind::gradient; }
  [[nodiscard]] std::vector<SiteUse> uses() const override { return {{parameter_, 0}}; }
  [[nodiscard]] std::vector<at::Tensor> leaves() const override { return {leaf_}; }
  bool assignSamples(std::span<const at::Tensor>, std::span<const at::Tensor>, int64_t samples) override;
  void assignOneSample() override { samples_ = 1; }
  void beginSeeds(int64_t seeds) override;
  /// Seeds run here over samples x seeds: `seed` = sample x seeds + seed.
  void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) override;
  void addResponse(int role, const RowChange& row, const ResponseBlock& block) const override;

 private:
  std::string name_;
  int64_t parameter_;
  at::Tensor leaf_;
  int64_t samples_ = 1, seeds_ = 0;
  at::Tensor gradients_;  ///< float32 [samples x seeds, weights]
};

}  // namespace heft
