#pragma once

#include <ATen/core/stack.h>

#include <map>

#include "engine/estimate/sites/site.hpp"
#include "engine/estimate/units/norm_exit.hpp"
#include "engine/estimate/units/unit_plan.hpp"

namespace heft {

/// The leaves where units end. It stands for no parameter: whoever knows how the exits' values change reads, for each
/// position, its sample and its adjoints here.
class ExitSite : public Site {
 public:
  explicit ExitSite(const UnitPlan& plan);

  /// Adds leaves to the arguments of call `call` that are exits; the `count` arguments lie on top of `stack`.
  void leave(int64_t call, size_t count, torch::jit::Stack& stack);
  /// Adds the leaf to the result of call `call`, on top of `stack`, where the exit is a norm.
  void leaveResult(int64_t call, torch::jit::Stack& stack);
  /// The same for output `output` of forward.
  [[nodiscard]] at::Tensor leaveOutput(size_t output, const at::Tensor& value);

  /// The first position of an exit among all positions.
  [[nodiscard]] int64_t firstPosition(size_t exit) const { return first_.at(exit); }
  /// False for exits that were not reached or hold no floating values.
  [[nodiscard]] bool moves(size_t exit) const { return leaves_.at(exit).numel() > 0; }
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
  [[nodiscard]] size_t firstAt(int64_t call) const;
  at::Tensor leave(size_t exit, const at::Tensor& value);
  [[nodiscard]] int64_t positions(size_t exit) const { return leaves_[exit].numel() * (exits_[exit].norm ? 2 : 1); }
  /// The adjoints of an exit's positions; undefined where `gradient` is.
  [[nodiscard]] at::Tensor adjoints(size_t exit, const at::Tensor& gradient) const;
  [[nodiscard]] at::Tensor allAdjoints(std::span<const at::Tensor> gradients) const;
  void place();

  const std::vector<ExitPoint>& exits_;
  std::vector<at::Tensor> leaves_;    ///< by exit; of no elements where it was not reached or holds no floating values
  std::map<size_t, NormExit> norms_;  ///< by exit
  std::vector<int64_t> first_;
  int64_t positions_ = 0;
  std::vector<int64_t> samples_;
  at::Tensor lambda_;
};

}  // namespace heft
