#include "parity/quality.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "analysis/random.hpp"
#include "analysis/rank_statistics.hpp"
#include "engine/execute/executor.hpp"

namespace heft::test {
namespace {

std::vector<double> executed(Session& session, Executor& executor, int64_t parameter, const std::vector<size_t>& flat) {
  std::vector<Variant> variants;
  for (const auto one : flat) variants.push_back({{{parameter, {static_cast<int64_t>(one)}, {0.0}}}});
  std::vector<double> impacts;
  executor.execute(variants, [&](size_t, const at::Tensor& outputs) {
    const auto rms = (outputs - session.baseline()).square().mean({1, 2}).sqrt().to(at::kCPU).contiguous();
    impacts.insert(impacts.end(), rms.const_data_ptr<double>(), rms.const_data_ptr<double>() + rms.numel());
  });
  return impacts;
}

std::vector<double> at_places(const std::vector<double>& values, const std::vector<size_t>& places) {
  std::vector<double> some;
  for (const auto place : places) some.push_back(values[place]);
  return some;
}

}  // namespace

std::map<std::string, Quality> qualityOf(Session& session, size_t random, size_t top, int64_t fewest) {
  const auto estimates = estimateAll(
      session, [](int64_t, int64_t, double) { return 0.0; }, {}, [](const std::string&, double) {});
  return qualityOf(session, estimates, random, top, fewest);
}

std::map<std::string, Quality> qualityOf(Session& session, const ResponseResult& result, size_t random, size_t top,
                                         int64_t fewest) {
  const at::NoGradGuard no_grad;
  const auto executor = makeBatchExecutor(session.runner(), session.layout());
  const double scale = session.outputRms();
  std::map<std::string, Quality> all;
  for (size_t p = 0; p < session.structure().parameters.size(); ++p) {
    const auto& info = session.structure().parameters[p];
    if (info.weights() < fewest || info.method.empty()) continue;
    Quality quality;
    quality.method = info.method;
    quality.size = info.weights();
    quality.probe_error = result.probe_error;
    const auto& estimates = result.impact[0][p];
    auto places = sampleWithoutReplacement(random, estimates.size(), Random(1, "quality", p));
    std::sort(places.begin(), places.end());
    const auto truth = executed(session, *executor, static_cast<int64_t>(p), places);
    const auto found = at_places(estimates, places);
    std::vector<double> errors, above_truth, above_found;
    for (size_t i = 0; i < truth.size(); ++i) {
      if (truth[i] <= 1e-6 * scale) continue;
      errors.push_back(std::abs(found[i] / truth[i] - 1));
      above_truth.push_back(truth[i]);
      above_found.push_back(found[i]);
    }
    if (errors.size() < 10) continue;
    std::sort(errors.begin(), errors.end());
    quality.weights = errors.size();
    quality.median = errors[errors.size() / 2];
    quality.worst = errors.back();
    quality.spearman = spearman(std::span<const double>(above_truth), std::span<const double>(above_found)).value_or(1);
    auto best = largest(std::span<const double>(estimates), top);
    std::sort(best.begin(), best.end());
    const auto top_truth = executed(session, *executor, static_cast<int64_t>(p), best);
    const auto top_found = at_places(estimates, best);
    quality.top_spearman = spearman(std::span<const double>(top_truth), std::span<const double>(top_found)).value_or(1);
    all[info.name] = quality;
  }
  return all;
}

}  // namespace heft::test
