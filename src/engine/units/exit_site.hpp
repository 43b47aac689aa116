#pragma once

#include <ATen/core/stack.h>

#include "engine/sites/site.hpp"
#include "engine/units/unit_plan.hpp"

namespace heft {

/// The leaves where units end. It stands for no parameter: whoever knows how the exits' values change reads, for each
/// position, its sample and its adjoints here.
class ExitSite : public Site {
 public:
  explicit ExitSite(const UnitPlan& plan);

  /// Adds leaves to the arguments of call `call` that are exits; the `count` arguments lie on top of `stack`.
  void leave(int64_t call, size_t count, torch::jit::Stack& stack);
  /// The same for output `output` of forward.
  [[nodiscard]] at::Tensor leaveOutput(size_t output, const at::Tensor& value);

  /// The first position of each exit among all positions, and their number.
  [[nodiscard]] int64_t firstPosition(size_t exit) const { return first_.at(exit); }
  /// The sample of each position, -1 for those that move nothing; before assignSamples() empty.
  [[nodiscard]] const std::vector<int64_t>& samples() const { return samples_; }
  /// float32 [positions, seeds].
  [[nodiscard]] const at::Tensor& lambda() const { return lambda_; }

  [[nodiscard]] std::string name() const override { return "exit"; }
  [[nodiscard]] SiteKind kind() const override { return SiteKind::unit_response; }
  [[nodiscard]] std::vector<SiteUse> uses() const override { return {}; }
  [[nodiscard]] std::vector<at::Tensor> leaves() const override { return leaves_; }
  bool assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) override;
  void assignOneSample() override;
  void beginSeeds(int64_t seeds) override;
  void takeSeed(int64_t seed, std::span<const at::Tensor> gradients) override;
  void addResponse(int, const RowChange&, const ResponseBlock&) const override {}

 private:
  at::Tensor leave(size_t exit, const at::Tensor& value);
  void place();

  const std::vector<ExitPoint>& exits_;
  std::vector<at::Tensor> leaves_;  ///< by exit; of no elements where it was not reached or holds no floating values
  std::vector<int64_t> first_;
  int64_t positions_ = 0;
  std::vector<int64_t> samples_;
  at::Tensor lambda_;
};

}  // namespace heft
