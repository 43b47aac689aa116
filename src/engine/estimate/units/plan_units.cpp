#include "engine/estimate/units/plan_units.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "data/memory.hpp"
#include "data/stop.hpp"
#include "engine/estimate/units/tracer.hpp"
#include "engine/estimate/units/unit_runner.hpp"
#include "engine/forward/weight_functions.hpp"

namespace heft {
namespace {

/// More features than this that meet in one position are no unit any more: each would need a run of its own.
constexpr int64_t kMostColours = 16;

/// Gives the features that have met a unit, and each its colour within it. False when units are too large.
bool numberUnits(Meetings& meetings, UnitParameter& planned, std::vector<int64_t>& unit_of) {
  std::vector<std::vector<int64_t>> members;
  std::vector<int64_t> unit_of_root(static_cast<size_t>(meetings.size()), -1);
  for (int64_t feature = 0; feature < meetings.size(); ++feature) {
    auto& unit = unit_of_root[static_cast<size_t>(meetings.find(feature))];
    if (unit < 0) {
      unit = static_cast<int64_t>(members.size());
      members.emplace_back();
    }
    members[static_cast<size_t>(unit)].push_back(feature);
    unit_of.push_back(unit);
    planned.colours = std::max(planned.colours, static_cast<int64_t>(members[static_cast<size_t>(unit)].size()));
  }
  planned.units = static_cast<int64_t>(members.size());
  if (planned.colours > kMostColours) return false;
  planned.feature.assign(static_cast<size_t>(planned.units * planned.colours), -1);
  for (size_t unit = 0; unit < members.size(); ++unit)
    std::copy(members[unit].begin(), members[unit].end(),
              planned.feature.begin() + static_cast<int64_t>(unit) * planned.colours);
  return true;
}

/// True when what the units of a parameter or derived weight do can be told for single weights of parameters.
bool standsForWeights(const Model& model, const UnitParameter& units) {
  if (!model.functions) return true;
  const auto own = static_cast<int64_t>(model.parameters.size());
  if (units.parameter < own) return model.functions->linksOf(units.parameter).empty();
  const auto rows = std::max<int64_t>(1, model.weights(units.parameter).value.size(0));
  const auto& links = model.functions->sources()[static_cast<size_t>(units.parameter - own)].links;
  return std::all_of(links.begin(), links.end(), [&](const WeightLink& link) {
    const bool alone = model.functions->hides(link.parameter) && model.functions->linksOf(link.parameter).size() == 1;
    const bool row_units = units.axis != UnitAxis::columns && units.features == rows;
    return alone && (!link.by_row || row_units);
  });
}

/// What a trace says of one parameter, its exits as points yet; nothing where units gain nothing or are none.
struct Found {
  UnitParameter units;
  std::vector<ExitPoint> points;
  bool norms = true;  ///< every row of every norm has a unit once
};

std::optional<Found> unitsOf(Trace& trace, int64_t parameter, int64_t weights) {
  if (!trace.valid || !trace.bends || !trace.axis || trace.exits.empty()) return std::nullopt;
  Found found;
  auto& units = found.units;
  units.parameter = parameter;
  units.axis = *trace.axis;
  units.features = trace.meetings.size();
  std::vector<int64_t> unit_of;
  if (!numberUnits(trace.meetings, units, unit_of)) return std::nullopt;
  const auto all = units.axis == UnitAxis::elements ? 1 : weights / trace.meetings.size();
  units.columns = units.axis == UnitAxis::columns ? trace.meetings.size() : all;
  for (int64_t variant = 0; variant < all; ++variant) {
    if (trace.tokens.empty() || trace.tokens.contains(variant)) units.variants.push_back(variant);
  }
  for (auto& [point, label, row] : trace.exits) {
    auto unit = label.feature.contiguous().flatten().clone();
    auto* at = unit.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < unit.numel(); ++i) {
      if (at[i] >= 0) at[i] = unit_of[static_cast<size_t>(at[i])];
    }
    if (point.norm && !label.pure) found.norms &= distinctInRows(unit, row);
    label.feature = at::Tensor();
    units.exits.push_back({0, point.norm ? unit.repeat({2}) : unit});
    found.points.push_back(point);
  }
  return found;
}

UnitPlan planOf(std::vector<Found>& all) {
  UnitPlan plan;
  for (const auto& one : all) plan.exits.insert(plan.exits.end(), one.points.begin(), one.points.end());
  std::sort(plan.exits.begin(), plan.exits.end());
  plan.exits.erase(std::unique(plan.exits.begin(), plan.exits.end()), plan.exits.end());
  for (auto& one : all) {
    for (size_t i = 0; i < one.points.size(); ++i) {
      const auto place = std::lower_bound(plan.exits.begin(), plan.exits.end(), one.points[i]);
      one.units.exits[i].index = static_cast<size_t>(place - plan.exits.begin());
    }
    plan.parameters.push_back(std::move(one.units));
  }
  return plan;
}

/// True when weights of the first variant, set to zero, can be run together.
bool runs(UnitRunner& units, const UnitParameter& parameter) {
  Change change{parameter.parameter, {}, {}};
  for (const auto& weight : parameter.weights(parameter.variants.at(0), 0)) {
    change.index.push_back(weight.flat);
    change.value.push_back(0);
  }
  const std::vector<Variant> variants{{{change}}};
  try {
    units.run(parameter, variants);
  } catch (const std::exception& error) {
    stopIfAsked();
    if (saysOutOfMemory(error.what())) throw;  // or estimates would depend on it
    return false;
  }
  return true;
}

}  // namespace

UnitPlan planUnits(Runner& runner) {
  const at::NoGradGuard no_grad;
  std::set<int64_t> closed;
  std::vector<Found> all;
  for (bool again = true; again;) {
    Tracer tracer(runner.model(), closed);
    tracer.takeOutputs(runner.run(tracer));
    again = false;
    all.clear();
    for (size_t p = 0; p < tracer.traces().size(); ++p) {
      const auto weights = runner.model().weights(static_cast<int64_t>(p)).value.numel();
      auto found = unitsOf(tracer.traces()[p], static_cast<int64_t>(p), weights);
      if (!found || !standsForWeights(runner.model(), found->units)) continue;
      // A unit that meets itself in a norm's row: the norm ends it, as any other operator.
      if (!found->norms) again |= closed.insert(static_cast<int64_t>(p)).second;
      all.push_back(std::move(*found));
    }
  }
  auto plan = planOf(all);
  if (plan.parameters.empty()) return plan;
  UnitRunner units(runner, plan);
  std::erase_if(plan.parameters, [&](const UnitParameter& one) { return !runs(units, one); });
  if (plan.parameters.empty()) plan.exits.clear();
  return plan;
}

}  // namespace heft
