#include "measure/reference.hpp"

#include <ATen/ATen.h>

#include <map>

#include "engine/executor.hpp"
#include "measure/metrics.hpp"
#include "measure/perturbation.hpp"

namespace heft {

std::vector<double> referenceImpacts(Session& session, const RankSettings& settings,
                                     std::span<const FlatWeights::Place> weights,
                                     const std::function<void(std::size_t)>& done) {
  const at::NoGradGuard no_grad;
  const OutputMetrics metrics = metricsOf(session);
  std::map<std::int64_t, std::vector<double>> values;
  std::map<std::int64_t, Perturber> perturbers;
  std::vector<Variant> variants;
  for (const auto& weight : weights) {
    auto& of_parameter = values[weight.parameter];
    if (of_parameter.empty()) {
      const auto value = session.model().parameters[static_cast<std::size_t>(weight.parameter)].value.detach();
      const auto flat = value.to(at::kCPU, at::kDouble).contiguous();
      of_parameter.assign(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
      perturbers.try_emplace(weight.parameter, of_parameter, settings.perturbation, settings.seed, weight.parameter);
    }
    variants.push_back({{{weight.parameter, {weight.index}, {perturbers.at(weight.parameter).change(weight.index)}}}});
  }
  std::vector<double> impacts(weights.size());
  makeLoopExecutor(session.runner(), session.layout())
      ->execute(variants, [&](std::size_t first, const at::Tensor& outputs) {
        const auto value = metrics.measure(settings.metrics.front(), outputs).value.to(at::kCPU).contiguous();
        for (std::int64_t v = 0; v < value.numel(); ++v)
          impacts[first + static_cast<std::size_t>(v)] = value.const_data_ptr<double>()[v];
        done(first + static_cast<std::size_t>(value.numel()));
      });
  return impacts;
}

}  // namespace heft
