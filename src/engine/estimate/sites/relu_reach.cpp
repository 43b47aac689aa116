#include "engine/estimate/sites/relu_reach.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {
namespace {

constexpr double kMostKept = 2e8;   // bytes, of all units of a layer
constexpr double kMostOne = 1e8;    // bytes, of one unit: several threads make one at a time
constexpr double kMostWork = 4e11;  // multiplications, for all units of a layer: some ten seconds

/// What reaches the pre-activations of a layer from outside it, step by step: [units, rows x starts], undefined where nothing.
struct Arrival {
  const ReluLayer* layer;
  std::vector<at::Tensor> terms;
};

Arrival& arrivalAt(std::vector<Arrival>& arrivals, const ReluLayer* layer) {
  const auto found =
      std::find_if(arrivals.begin(), arrivals.end(), [&](const auto& one) { return one.layer == layer; });
  if (found != arrivals.end()) return *found;
  arrivals.push_back({layer, std::vector<at::Tensor>(static_cast<size_t>(layer->steps()))});
  return arrivals.back();
}

ReluReach reachOf(const ReluLayer& from, int64_t unit) {
  const auto rows = from.rows();
  const auto steps = from.steps();
  ReluReach reach;
  // Layers of one call read those below them only, so what is met first is complete when its turn comes.
  std::vector<Arrival> arrivals;
  arrivalAt(arrivals, &from);
  for (size_t next = 0; next < arrivals.size(); ++next) {
    const auto [layer, terms] = arrivals[next];
    const auto units = layer->units();
    const bool own = next == 0;
    std::vector<at::Tensor> slopes;
    at::Tensor emitted;
    for (int64_t step = 0; step < steps; ++step) {
      auto slope = step > 0 ? layer->recurrent.mm(emitted) : at::zeros({units, rows * steps});
      if (own && step > 0)
        slope.view({units, rows, steps})[unit].select(1, step - 1).sub_(layer->recurrent[unit][unit]);
      const auto& term = terms[static_cast<size_t>(step)];
      if (term.defined()) slope += term;
      slopes.push_back(slope);
      const auto passes = layer->pre_activation.select(1, step).gt(0).t().unsqueeze(2);
      emitted = (slope.view({units, rows, steps}) * passes).view({units, rows * steps});
      if (own) emitted.view({units, rows, steps})[unit].select(1, step) += 1;
      for (const auto& reader : layer->readers) {
        if (!follows(*layer, reader)) continue;
        auto& arrival = arrivalAt(arrivals, reader.layer);
        auto& to = arrival.terms[static_cast<size_t>(reader.turned ? steps - 1 - step : step)];
        const auto added = reader.layer->input.narrow(1, reader.column, units).mm(emitted);
        to = to.defined() ? to + added : added;
      }
    }
    // [steps, units, rows, starts] -> [rows, steps, units, starts]
    const auto all = at::stack(slopes).view({steps, units, rows, steps}).permute({2, 0, 1, 3}).contiguous();
    reach.layers.push_back({layer, all, all.abs().sum(3)});
  }
  return reach;
}

}  // namespace

std::vector<const ReluLayer*> ReluReaches::reached() const {
  std::vector<const ReluLayer*> layers{&from_};
  for (size_t next = 0; next < layers.size(); ++next) {
    for (const auto& reader : layers[next]->readers) {
      if (follows(*layers[next], reader) && std::find(layers.begin(), layers.end(), reader.layer) == layers.end())
        layers.push_back(reader.layer);
    }
  }
  return layers;
}

void ReluReaches::plan() const {
  const auto points = static_cast<double>(from_.rows() * from_.steps() * from_.steps());
  double floats = 0, work = 0;
  for (const auto* layer : reached()) {
    const auto units = static_cast<double>(layer->units());
    floats += units * points;
    work += units * static_cast<double>(layer->recurrent.size(1) + layer->input.size(1)) * points;
  }
  const auto units = static_cast<double>(from_.units());
  kept_ = units * floats * sizeof(float) <= kMostKept;
  // Each of a layer's four parameters asks anew where they are not kept.
  possible_ = units * work * (kept_ ? 1 : 4) <= kMostWork && floats * sizeof(float) <= kMostOne;
  kept_ = kept_ && possible_;
  if (!kept_) return;
  for (int64_t unit = 0; unit < from_.units(); ++unit) slots_.push_back(std::make_unique<Slot>());
}

std::shared_ptr<const ReluReach> ReluReaches::of(int64_t unit) const {
  std::call_once(planned_, [this] { plan(); });
  if (!possible_) return {};
  if (!kept_) return std::make_shared<const ReluReach>(reachOf(from_, unit));
  auto& slot = *slots_[static_cast<size_t>(unit)];
  std::call_once(slot.made, [&] { slot.reach = std::make_shared<const ReluReach>(reachOf(from_, unit)); });
  return slot.reach;
}

}  // namespace heft
