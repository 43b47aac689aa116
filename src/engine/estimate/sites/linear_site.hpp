#pragma once

#include "engine/cells/linear_call.hpp"
#include "engine/estimate/sites/front.hpp"
#include "engine/estimate/sites/lambda_table.hpp"
#include "engine/estimate/sites/site.hpp"

namespace heft {

/// y = z W^T + b, wherever it stands: dy = lambda (dW z + db), exact in the site's own output.
class LinearSite : public Site {
 public:
  enum Role { weight, bias };

  /// `read` z is [rows, inputs] (detached), `leaf` [rows..., outputs] was added to the output; `block.parameter` and
  /// `bias_parameter` are -1 where the operator reads no parameter; `first_bias` is the first row that bias reads.
  LinearSite(std::string name, WeightBlock block, int64_t bias_parameter, int64_t first_bias, at::Tensor read,
             at::Tensor leaf);

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SiteKind kind() const override { return SiteKind::linear; }
  [[nodiscard]] std::vector<SiteUse> uses() const override;
  [[nodiscard]] std::vector<at::Tensor> leaves() const override { return {leaf_}; }
  [[nodiscard]] std::vector<SiteRead> reads() const override;
  [[nodiscard]] std::vector<ReadSquares> readSquares() const override;
  bool assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) override;
  void assignOneSample() override;
  void keepSquares() override { squares_ = true; }
  void beginSeeds(int64_t seeds) override;
  void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) override;
  void endSeeds() override;
  [[nodiscard]] int64_t keptSeeds(int64_t taken) const override;
  [[nodiscard]] double adjointBytes(int64_t seeds, int64_t samples) const override;
  void addResponse(int role, const RowChange& row, const ResponseBlock& block) const override;
  [[nodiscard]] bool bends() const override { return !front_.readers().empty(); }
  [[nodiscard]] int64_t bendSeeds() const override { return bend_seeds_; }
  void addBend(int role, const RowChange& row, const ResponseBlock& block) const override;

  /// Only to be used where the operator reads the whole of its parameters.
  [[nodiscard]] Front& front() { return front_; }

 private:
  void addWeightRow(const RowChange& row, const ResponseBlock& block) const;
  void addWeightColumn(const RowChange& row, const ResponseBlock& block) const;
  void addBias(const RowChange& row, const ResponseBlock& block) const;

  std::string name_;
  WeightBlock weight_;
  int64_t bias_parameter_;
  int64_t first_bias_;
  at::Tensor read_;
  at::Tensor leaf_;
  SampleRows rows_;
  int64_t inputs_ = 0, outputs_ = 0;
  bool squares_ = false;
  at::Tensor table_;    ///< float32 [samples, points, inputs]: z by sample
  LambdaTable lambda_;  ///< of outputs, by sample
  Front front_;
  int64_t bend_seeds_ = 0;
  std::vector<at::Tensor> front_read_;  ///< by reader: float32 [rows, steps, inputs], z as the reader goes through it
};

}  // namespace heft
