#include "compare/measures/outlier_groups.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/robust_bins.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/rank/zeroed.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

constexpr size_t kFewest = 100;

size_t binOf(float weight, const RobustScale& scale) {
  const double away = std::abs(static_cast<double>(weight) - scale.median);
  if (scale.deviation <= 0) return away > 0 ? outlierBinEdges.size() - 1 : 0;
  const auto above = std::upper_bound(outlierBinEdges.begin(), outlierBinEdges.end(), away / scale.deviation);
  return static_cast<size_t>(above - outlierBinEdges.begin()) - 1;
}

}  // namespace

std::vector<OutlierGroups> outlierGroups(Session& session, const Run& run,
                                         const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  const OutputMetrics metrics = metricsOf(session);
  const auto metric = run.settings.metrics.front();
  std::vector<OutlierGroups> all;
  for (size_t p = 0; p < run.impacts.size(); ++p) {
    const auto& own = run.impacts[p];
    auto taking_part = own.weight;
    for (size_t i = 0; i < taking_part.size(); ++i) {
      if (std::isnan(own.impact[i])) taking_part[i] = std::numeric_limits<float>::quiet_NaN();
    }
    const auto weights =
        std::count_if(taking_part.begin(), taking_part.end(), [](float one) { return !std::isnan(one); });
    const auto scale = robustScale(taking_part);
    if (!scale || static_cast<size_t>(weights) < kFewest) continue;
    OutlierGroups found{run.structure.parameters[p].name, {}};
    auto bins = at::full({std::ssize(taking_part)}, -1, at::kChar);  // of each weight
    auto* bin_of = bins.mutable_data_ptr<int8_t>();
    for (size_t bin = 0; bin < outlierBinEdges.size(); ++bin) {
      const bool last = bin + 1 == outlierBinEdges.size();
      found.groups.push_back({outlierBinEdges[bin],
                              last ? std::numeric_limits<double>::infinity() : outlierBinEdges[bin + 1], 0, 0, 0, 0});
    }
    for (size_t i = 0; i < taking_part.size(); ++i) {
      if (std::isnan(taking_part[i])) continue;
      const auto bin = binOf(taking_part[i], *scale);
      ++found.groups[bin].weights;
      found.groups[bin].mean_impact += static_cast<double>(own.impact[i]);
      bin_of[i] = static_cast<int8_t>(bin);
    }
    for (size_t bin = 0; bin < found.groups.size(); ++bin) {
      auto& group = found.groups[bin];
      if (group.weights == 0) continue;
      group.share = static_cast<double>(group.weights) / static_cast<double>(weights);
      group.mean_impact /= static_cast<double>(group.weights);
      std::vector<at::Tensor> masks(run.impacts.size());
      masks[p] = bins.eq(static_cast<int64_t>(bin));
      group.joint = metrics.measure(metric, outputsWithout(session, masks).unsqueeze(0)).value.item<double>();
    }
    all.push_back(std::move(found));
    progress(static_cast<double>(p + 1) / static_cast<double>(run.impacts.size()));
  }
  return all;
}

}  // namespace heft
