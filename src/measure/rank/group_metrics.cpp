#include "measure/rank/group_metrics.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "data/setting_name.hpp"
#include "heft/error.hpp"

namespace heft {

GroupMetrics::GroupMetrics(const Session& session, const RankSettings& settings)
    : wanted_(settings.metrics),
      metrics_(metricsOf(session)),
      groups_(outputGroups(session, settings)),
      of_loss_(groups_.of_row),
      scale_(session.layout().scale()),
      samples_(static_cast<std::size_t>(session.layout().samples())),
      noise_(session.noise()) {
  for (const auto metric : wanted_) {
    if (metrics_.partsAreElements(metric) || !groups_.of_row.empty()) continue;
    throw Error(Fault::usage, settingName("by") + " " + std::string(name(settings.by)) + ": metric " +
                                  std::string(name(metric)) +
                                  " compares all classes of a row at once, which these groups divide; rms or max fit, "
                                  "and " +
                                  settingName("by") + " target tells samples apart by their class");
  }
  const auto& targets = session.targets();
  if (!targets || !targets->weight.defined()) return;
  weight_ = targets->weight.to(at::kCPU).contiguous();
  for (std::size_t i = 0; i < of_loss_.size(); ++i) {
    if (weight_.const_data_ptr<double>()[i] == 0) of_loss_[i] = -1;
  }
}

GroupValues GroupMetrics::valuesOf(Metric metric, const at::Tensor& outputs) const {
  auto parts = metrics_.parts(metric, outputs).to(at::kCPU).contiguous();
  const bool elements = metrics_.partsAreElements(metric);
  const bool weighted = metric == Metric::loss && !elements && weight_.defined();
  // Weights make the mean over all rows one over those that count; here those alone are in a group.
  if (weighted) parts = (parts / weight_).contiguous();
  const auto& of = elements ? groups_.of : weighted ? of_loss_ : groups_.of_row;
  auto values = groupValues(metric, {parts.const_data_ptr<double>(), static_cast<std::size_t>(parts.numel())}, of,
                            samples_, groups_.groups.size());
  if (metric != Metric::rms || scale_ == 1) return values;
  // Columns are scaled so that all of them together give the mean of |d|^2 over elements; a group has its own share of complex
  // ones.
  for (std::size_t g = 0; g < groups_.groups.size(); ++g) {
    const double own =
        std::sqrt(static_cast<double>(groups_.columns[g]) / static_cast<double>(groups_.groups[g].elements)) / scale_;
    values.value[g] *= own;
    values.standard_error[g] *= own;
  }
  return values;
}

std::vector<GroupValues> GroupMetrics::measure(const at::Tensor& outputs) const {
  const auto one = outputs.unsqueeze(0);
  const auto moved = valuesOf(Metric::max, one);
  std::vector<GroupValues> values;
  for (const auto metric : wanted_) {
    values.push_back(metric == Metric::max ? moved : valuesOf(metric, one));
    for (std::size_t g = 0; g < moved.value.size(); ++g) {
      if (!(moved.value[g] <= noise_)) continue;
      values.back().value[g] = 0;
      values.back().standard_error[g] = 0;
    }
  }
  return values;
}

}  // namespace heft
