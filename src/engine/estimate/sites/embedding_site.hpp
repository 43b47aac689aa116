#pragma once

#include "engine/estimate/sites/front.hpp"
#include "engine/estimate/sites/site.hpp"

namespace heft {

/// One row a token: y = W[token], dy = lambda dW.
class EmbeddingSite : public Site {
 public:
  EmbeddingSite(std::string name, int64_t parameter, at::Tensor tokens, at::Tensor leaf);

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SiteKind kind() const override { return SiteKind::linear; }
  [[nodiscard]] std::vector<SiteUse> uses() const override { return {{parameter_, 0}}; }
  [[nodiscard]] std::vector<at::Tensor> leaves() const override { return {leaf_}; }
  /// How often each token was looked up.
  [[nodiscard]] std::vector<ReadSquares> readSquares() const override;
  bool assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) override;
  void assignOneSample() override;
  void beginSeeds(int64_t seeds) override;
  void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) override;
  void endSeeds() override;
  void addResponse(int role, const RowChange& row, const ResponseBlock& block) const override;
  [[nodiscard]] bool bends() const override { return !front_.readers().empty(); }
  [[nodiscard]] int64_t bendSeeds() const override { return bend_seeds_; }
  void addBend(int role, const RowChange& row, const ResponseBlock& block) const override;

  [[nodiscard]] Front& front() { return front_; }

 private:
  std::string name_;
  int64_t parameter_;
  at::Tensor tokens_;  ///< int64 [rows]
  at::Tensor leaf_;    ///< [rows..., width]
  std::vector<int64_t> samples_;
  std::vector<std::vector<int64_t>> rows_of_token_;
  int64_t width_ = 0, seeds_ = 0;
  at::Tensor lambda_;  ///< float32 [rows, seeds, width]
  Front front_;
  int64_t bend_seeds_ = 0;
};

}  // namespace heft
