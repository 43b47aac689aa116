#include "measure/effects.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "measure/session.hpp"
#include "measure/zeroed.hpp"

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

  const auto groups = groupsAt(session.structure(), {Level::layer, Level::gate});
  double done = 0;
  for (const auto& group : groups) {
    const auto whole = masksOf(session.structure(), group);
    for (const std::string sign : {"negative", "positive", "all"}) {
      Effect effect{group.name, group.level, sign, 0, 0, {}, {}};
      auto masks = whole;
      for (size_t p = 0; p < masks.size(); ++p) {
        if (!masks[p].defined()) continue;
        const auto value = session.model().parameters[p].value.detach().reshape({-1}).to(at::kCPU);
        if (sign != "all") masks[p] = masks[p].logical_and(sign == "negative" ? value.lt(0) : value.gt(0));
        effect.weights += masks[p].sum().item<int64_t>();
      }
      const auto change = outputsWithout(session, masks) - session.baseline();
      const auto by_output = change.reshape({-1, columns}).narrow(1, 0, shown);
      effect.change = listOf(by_output.mean(0));
      effect.impact = listOf(by_output.square().mean(0).sqrt());
      effect.joint = change.square().mean().sqrt().item<double>();
      effects.groups.push_back(std::move(effect));
      progress(++done / static_cast<double>(3 * groups.size()));
    }
  }
  return effects;
}

}  // namespace heft
