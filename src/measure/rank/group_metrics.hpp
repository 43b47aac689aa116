#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "measure/metrics/group_values.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/rank/output_groups.hpp"

namespace heft {

/// Measures a variant on each group of the outputs, by all metrics of the settings.
class GroupMetrics {
 public:
  /// Throws Error(Fault::usage) as outputGroups does, and where a metric compares whole rows of classes but groups divide them.
  GroupMetrics(const Session& session, const RankSettings& settings);

  [[nodiscard]] const std::vector<OutputGroup>& groups() const { return groups_.groups; }
  /// [metrics], for outputs [samples, elements]. A group that moved by no more than float noise did not move.
  [[nodiscard]] std::vector<GroupValues> measure(const at::Tensor& outputs) const;

 private:
  [[nodiscard]] GroupValues valuesOf(Metric metric, const at::Tensor& outputs) const;

  std::vector<Metric> wanted_;
  OutputMetrics metrics_;
  OutputGroups groups_;
  std::vector<std::int32_t> of_loss_;  ///< as groups_.of_row, without rows that targets leave out
  at::Tensor weight_;                  ///< of the loss of each row; undefined where all count the same
  double scale_;                       ///< of the table's columns
  std::size_t samples_;
  double noise_;
};

}  // namespace heft
