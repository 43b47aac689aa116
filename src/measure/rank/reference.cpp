#include "measure/rank/reference.hpp"

#include <ATen/ATen.h>

#include <map>
#include <optional>

#include "engine/execute/executor.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/rank/group_metrics.hpp"
#include "measure/weights/perturbation.hpp"

namespace heft {
namespace {

/// Makes changes of weights as the ranking made them.
class Changes {
 public:
  Changes(Session& session, const RankSettings& settings) : session_(session), settings_(settings) {}

  Change of(std::int64_t parameter, const std::vector<std::int64_t>& index) {
    auto& of_parameter = values_[parameter];
    if (of_parameter.empty()) {
      const auto value = session_.model().parameters[static_cast<std::size_t>(parameter)].value.detach();
      const auto flat = value.to(at::kCPU, at::kDouble).contiguous();
      of_parameter.assign(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
      perturbers_.try_emplace(parameter, of_parameter, settings_.perturbation, settings_.seed, parameter);
    }
    return {parameter, index, perturbers_.at(parameter).change(index)};
  }

 private:
  Session& session_;
  const RankSettings& settings_;
  std::map<std::int64_t, std::vector<double>> values_;
  std::map<std::int64_t, Perturber> perturbers_;
};

}  // namespace

std::vector<double> referenceImpacts(Session& session, const RankSettings& settings,
                                     std::span<const FlatWeights::Place> weights,
                                     const std::function<void(std::size_t)>& done) {
  const at::NoGradGuard no_grad;
  const OutputMetrics metrics = metricsOf(session);
  Changes changes(session, settings);
  std::vector<Variant> variants;
  for (const auto& weight : weights) variants.push_back({{changes.of(weight.parameter, {weight.index})}});
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

std::vector<ComponentReference> referenceImpacts(Session& session, const RankSettings& settings,
                                                 std::span<const Component> components,
                                                 const std::function<void(std::size_t)>& done) {
  const at::NoGradGuard no_grad;
  const auto metric = settings.metrics.front();
  const OutputMetrics metrics = metricsOf(session);
  std::optional<GroupMetrics> groups;
  if (settings.by != GroupBy::none) groups.emplace(session, settings);
  Changes changes(session, settings);
  const auto executor = makeLoopExecutor(session.runner(), session.layout());
  std::vector<ComponentReference> references;
  for (const auto& component : components) {
    Variant variant;  // one at a time: all of them would hold every component's weights
    for (const auto& set : component.sets) variant.changes.push_back(changes.of(set.parameter, set.index));
    executor->execute({&variant, 1}, [&](std::size_t, const at::Tensor& outputs) {
      ComponentReference reference{metrics.measure(metric, outputs).value.item<double>(), {}};
      if (groups) reference.by_group = groups->measure(outputs[0]).front().value;
      references.push_back(std::move(reference));
    });
    done(references.size());
  }
  return references;
}

}  // namespace heft
