#include "measure/rank/joint.hpp"

#include <algorithm>
#include <cmath>

namespace heft {
namespace {

/// What a component's result is kept under: values and standard errors, by metric; then the same for each metric by group.
std::string listName(const Component& component) { return "component " + component.name; }

bool isKnown(const MethodTask& task, const Component& component) {
  return task.checkpoint.hasList(listName(component));
}

std::vector<double> rowOf(const MeasuredComponent& measured) {
  std::vector<double> row(measured.whole.value);
  const auto add = [&](const std::vector<double>& more) { row.insert(row.end(), more.begin(), more.end()); };
  add(measured.whole.standard_error);
  for (const auto& one : measured.groups) {
    add(one.value);
    add(one.standard_error);
  }
  return row;
}

MeasuredComponent measuredIn(const std::vector<double>& row, std::size_t metrics, std::size_t groups) {
  auto next = row.begin();
  const auto take = [&](std::size_t count) {
    const auto begin = next;
    next += static_cast<std::ptrdiff_t>(count);
    return std::vector<double>(begin, next);
  };
  MeasuredComponent measured;
  measured.whole.value = take(metrics);
  measured.whole.standard_error = take(metrics);
  for (std::size_t m = 0; groups > 0 && m < metrics; ++m) {
    auto values = take(groups);
    measured.groups.push_back({std::move(values), take(groups)});
  }
  return measured;
}

MeasuredComponent measureOrRestore(const MethodTask& task, const Component& component) {
  const auto metrics = task.settings.metrics.size(), groups = task.measurer.groups().size();
  if (const auto kept = task.checkpoint.list(listName(component)); kept && kept->size() == 2 * metrics * (1 + groups))
    return measuredIn(*kept, metrics, groups);
  auto measured = task.measurer.component(component);
  const auto row = rowOf(measured);
  task.checkpoint.addList(listName(component), std::span<const double>(row));
  constexpr double kFlushSeconds = 10;
  task.checkpoint.flushIfDue(kFlushSeconds);
  return measured;
}

/// Where some of them are to be executed.
void prepare(const MethodTask& task, const std::vector<Component>& components) {
  if (task.known_only) return;
  const auto known = [&](const Component& one) { return isKnown(task, one); };
  if (std::all_of(components.begin(), components.end(), known)) return;
  for (const auto& component : components) task.measurer.prepareOn(component);
}

/// As the run keeps it, beside the sum of its members' own impacts.
ComponentImpact impactOf(const MethodTask& task, const Component& component, MeasuredComponent measured,
                         const Run& run) {
  ComponentImpact impact;
  impact.name = component.name;
  impact.level = component.level;
  impact.path = component.path;
  impact.weights = component.weights();
  for (std::size_t m = 0; m < task.settings.metrics.size(); ++m) {
    const std::string metric(name(task.settings.metrics[m]));
    impact.joint[metric] = measured.whole.value[m];
    if (!measured.groups.empty()) impact.by_group[metric] = std::move(measured.groups[m].value);
  }
  impact.standard_error = measured.whole.standard_error[0];
  if (!measured.groups.empty()) impact.group_error = std::move(measured.groups[0].standard_error);
  double squares = 0;
  for (const auto& set : component.sets) {
    const auto& own = run.impacts[static_cast<std::size_t>(set.parameter)];
    const auto values = task.measurer.values(static_cast<std::size_t>(set.parameter));
    for (const auto index : set.index) {
      impact.sum += static_cast<double>(own.impact[static_cast<std::size_t>(index)]);
      squares += values[static_cast<std::size_t>(index)] * values[static_cast<std::size_t>(index)];
    }
  }
  impact.magnitude = std::sqrt(squares);
  return impact;
}

}  // namespace

std::vector<Component> componentsOf(const Structure& structure, const RankSettings& settings,
                                    const Selection& selection) {
  std::vector<Level> levels;
  std::copy_if(settings.levels.begin(), settings.levels.end(), std::back_inserter(levels),
               [](Level one) { return one != Level::weight; });
  if (levels.empty()) return {};
  return enumerateComponents(structure, levels, selection, kUnitPaths);
}

void measureJointly(const MethodTask& task, const std::vector<Component>& components, Run& run) {
  prepare(task, components);
  if (!components.empty()) run.groups = task.measurer.groups();
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (task.known_only && !isKnown(task, components[i])) {
      ++unknown;
      continue;
    }
    run.components.push_back(impactOf(task, components[i], measureOrRestore(task, components[i]), run));
    task.progress("executing components", static_cast<double>(i + 1) / static_cast<double>(components.size()));
  }
  if (unknown == 0) return;
  run.complete = false;
  run.notes.push_back(std::to_string(unknown) + " of " + std::to_string(components.size()) +
                      " components were not measured, by the parts of the ranking that are missing");
}

void measureJointlyInShard(const MethodTask& task, const std::vector<Component>& components, const Shard& shard) {
  if (shard.estimates()) return;
  prepare(task, components);
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (shard.does(i)) measureOrRestore(task, components[i]);
    task.progress("executing components", static_cast<double>(i + 1) / static_cast<double>(components.size()));
  }
}

}  // namespace heft
