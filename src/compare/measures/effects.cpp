#include "compare/measures/effects.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "engine/execute/zero_scope.hpp"
#include "measure/rank/zeroed.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

constexpr int64_t kMostOutputs = 200;

std::vector<double> listOf(const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// Flat places in parameters.
using Places = std::vector<std::pair<size_t, std::vector<uint32_t>>>;
struct Signs {
  Places negative, positive;
};

Signs bySign(Session& session, const Component& group) {
  Signs signs;
  for (const auto& set : group.sets) {
    const auto p = static_cast<size_t>(set.parameter);
    const auto values = session.model().parameters[p].value.detach().reshape({-1}).to(at::kCPU, at::kDouble);
    const auto* value = values.const_data_ptr<double>();
    auto& negative = signs.negative.emplace_back(p, std::vector<uint32_t>()).second;
    auto& positive = signs.positive.emplace_back(p, std::vector<uint32_t>()).second;
    for (const auto index : set.index) {
      if (value[index] < 0) negative.push_back(static_cast<uint32_t>(index));
      if (value[index] > 0) positive.push_back(static_cast<uint32_t>(index));
    }
  }
  return signs;
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
    const auto signs = bySign(session, group);
    const auto weights = [](const Places& places) {
      int64_t sum = 0;
      for (const auto& [parameter, own] : places) sum += std::ssize(own);
      return sum;
    };
    ZeroScope zeroed(session.model());
    const auto remove = [&](const Places& places) {
      for (const auto& [parameter, own] : places) zeroed.zero(parameter, own);
    };
    const auto measure = [&](const std::string& sign, int64_t count) {
      Effect effect{group.name, group.level, sign, count, 0, {}, {}};
      const auto change = outputsOf(session) - session.baseline();
      const auto by_output = change.reshape({-1, columns}).narrow(1, 0, shown);
      effect.change = listOf(by_output.mean(0));
      effect.impact = listOf(by_output.square().mean(0).sqrt());
      effect.joint = change.square().mean().sqrt().item<double>();
      effects.groups.push_back(std::move(effect));
      progress(++done / static_cast<double>(3 * groups.size()));
    };
    remove(signs.negative);
    measure("negative", weights(signs.negative));
    zeroed.putBack();
    remove(signs.positive);
    measure("positive", weights(signs.positive));
    remove(signs.negative);
    measure("all", group.weights());
  }
  return effects;
}

}  // namespace heft
