#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/execute/executor.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/rank/group_metrics.hpp"
#include "measure/session/session.hpp"
#include "measure/weights/component.hpp"
#include "measure/weights/flat_weights.hpp"
#include "measure/weights/perturbation.hpp"
#include "run/stored/checkpoint.hpp"

namespace heft {

/// Variants that are measured as a whole or not at all.
[[nodiscard]] std::size_t blockOf(const Session& session);

/// What executing one variant gave, by metric in the settings' order.
struct Measured {
  std::vector<double> value;           ///< never negative
  std::vector<double> standard_error;  ///< over samples
};

/// What executing a component gave.
struct MeasuredComponent {
  Measured whole;
  std::vector<GroupValues> groups;  ///< by metric in the settings' order; empty where the settings name no groups
};

/// Executes variants under the settings' perturbation and measures them; weights go through the checkpoint.
class Measurer {
 public:
  Measurer(Session& session, const RankSettings& settings, std::unique_ptr<Executor> executor, Checkpoint& checkpoint);

  /// Before anything is executed here, the executor prepares (Executor::prepare) on these weights' variants: runs that must
  /// agree in every bit give the same ones, whatever part of the work is theirs.
  void prepareOn(std::vector<std::uint64_t> flat) { probes_ = std::move(flat); }

  /// Prepares now, and not only when something is executed.
  void prepare();
  /// Whether single weights of a parameter are executed one after the other (ExecutorPace).
  [[nodiscard]] bool runsAlone(std::int64_t parameter) const;

  /// Called with how many of how many weights of a call are measured; may throw to stop.
  using Progress = std::function<void(std::size_t done, std::size_t of)>;

  /// Each weight (FlatWeights) changed alone, in the order given. What the checkpoint holds already is not executed again:
  /// weights are taken in blocks that depend on the list alone, and a block is measured as a whole or not at all, so
  /// that a resumed run gives the same bits.
  std::vector<Measured> weights(std::span<const std::uint64_t> flat, const Progress& progress);

  /// Likewise prepares on a component. Called for all components before the first one is executed, it makes the first one of
  /// each kind decide for all of its kind, whoever executes them.
  void prepareOn(const Component& component);

  /// Whether these weights of a parameter move the output when all of them change, in either of two ways. Executed one by one.
  [[nodiscard]] bool moves(std::int64_t parameter, std::span<const std::int64_t> places);

  /// All weights of a component changed together.
  MeasuredComponent component(const Component& component);

  /// Outputs of the model with a component changed, float64 [samples, elements].
  at::Tensor outputs(const Component& component);

  /// The value that a weight takes when it is changed.
  [[nodiscard]] double newValue(int64_t parameter, int64_t flat, double weight) const {
    return perturbers_[static_cast<std::size_t>(parameter)].change(weight, flat);
  }
  /// Values of a parameter, [weights].
  [[nodiscard]] std::span<const double> values(std::size_t parameter) const { return values_[parameter]; }

  /// Variants that are measured as a whole or not at all.
  [[nodiscard]] std::size_t block() const { return block_; }
  [[nodiscard]] std::size_t executed() const { return executed_; }  ///< variants, in this process
  [[nodiscard]] double seconds() const { return seconds_; }         ///< spent executing
  [[nodiscard]] std::vector<std::string> notes() const { return executor_->notes(); }
  [[nodiscard]] const OutputMetrics& metrics() const { return metrics_; }
  /// What components are measured on as well; empty where the settings name no groups.
  [[nodiscard]] std::vector<OutputGroup> groups() const {
    return groups_ ? groups_->groups() : std::vector<OutputGroup>();
  }
  [[nodiscard]] const FlatWeights& flatWeights() const { return flat_; }

 private:
  /// `heard` is told how many of them are done; it may throw to stop, and they then count for nothing.
  void measureBlocks(std::span<const std::uint64_t> flat, const std::function<void(std::size_t)>& heard);
  /// Nothing where the perturbation leaves the weight as it is.
  std::optional<Variant> variantOf(std::uint64_t flat) const;
  Variant variantOf(const Component& component) const;
  std::vector<Measured> measuredOf(const at::Tensor& outputs) const;

  Session& session_;
  std::vector<Metric> metrics_wanted_;
  std::unique_ptr<Executor> executor_;
  Checkpoint& checkpoint_;
  OutputMetrics metrics_;
  std::optional<GroupMetrics> groups_;
  FlatWeights flat_;
  std::vector<std::vector<double>> values_;
  std::vector<Perturber> perturbers_;
  std::size_t block_;
  std::vector<std::uint64_t> probes_;  ///< until they have served
  std::size_t executed_ = 0;
  double seconds_ = 0;
};

}  // namespace heft
