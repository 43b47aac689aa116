#include "measure/effects.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/executor.hpp"
#include "measure/session.hpp"

namespace heft {
namespace {

constexpr int64_t kMostOutputs = 200;

std::vector<double> listOf(const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

}  // namespace

Effects effectsOf(Session& session, const std::function<void(double share)>& progress) {
  const at::NoGradGuard no_grad;
  Effects effects;
  const auto classes = session.layout().classes();
  const auto columns = classes > 1 ? classes : session.baseline().size(1);
  const bool by_class = session.targets() && session.targets()->classes.defined();
  const auto shown = std::min(columns, kMostOutputs);
  for (int64_t i = 0; i < shown; ++i) effects.outputs.push_back((by_class ? "class " : "output ") + std::to_string(i));

  std::vector<std::vector<double>> values;
  for (const auto& parameter : session.model().parameters) values.push_back(listOf(parameter.value.detach()));
  const auto executor = makeLoopExecutor(session.runner(), session.layout());
  const auto groups = groupsAt(session.structure(), {Level::layer, Level::gate});
  double done = 0;
  for (const auto& group : groups) {
    for (const std::string sign : {"negative", "positive", "all"}) {
      Effect effect{group.name, group.level, sign, 0, 0, {}, {}};
      Variant variant;
      for (const auto& set : group.sets) {
        Change change{set.parameter, {}, {}};
        for (const auto index : set.index) {
          const auto value = values[static_cast<size_t>(set.parameter)][static_cast<size_t>(index)];
          if (sign == "all" || (sign == "negative" ? value < 0 : value > 0)) change.index.push_back(index);
        }
        change.value.assign(change.index.size(), 0.0);
        effect.weights += std::ssize(change.index);
        if (!change.index.empty()) variant.changes.push_back(std::move(change));
      }
      executor->execute({&variant, 1}, [&](size_t, const at::Tensor& received) {
        const auto change = (received[0] - session.baseline()).reshape({-1, columns}).narrow(1, 0, shown);
        effect.change = listOf(change.mean(0));
        effect.impact = listOf(change.square().mean(0).sqrt());
        effect.joint = (received[0] - session.baseline()).square().mean().sqrt().item<double>();
      });
      effects.groups.push_back(std::move(effect));
      progress(++done / static_cast<double>(3 * groups.size()));
    }
  }
  return effects;
}

}  // namespace heft
