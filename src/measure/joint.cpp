#include "measure/joint.hpp"

#include <algorithm>
#include <cmath>

namespace heft {
namespace {

/// What a component's result is kept under: values and standard errors, by metric.
std::string listName(const Component& component) { return "component " + component.name; }

bool isKnown(const MethodTask& task, const Component& component) {
  return task.checkpoint.hasList(listName(component));
}

Measured measureOrRestore(const MethodTask& task, const Component& component) {
  const auto metrics = static_cast<std::ptrdiff_t>(task.settings.metrics.size());
  if (const auto kept = task.checkpoint.list(listName(component)); kept && std::ssize(*kept) == 2 * metrics) {
    return {{kept->begin(), kept->begin() + metrics}, {kept->begin() + metrics, kept->end()}};
  }
  auto measured = task.measurer.component(component);
  std::vector<double> row(measured.value);
  row.insert(row.end(), measured.standard_error.begin(), measured.standard_error.end());
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
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < components.size(); ++i) {
    const auto& component = components[i];
    if (task.known_only && !isKnown(task, component)) {
      ++unknown;
      continue;
    }
    const auto measured = measureOrRestore(task, component);
    ComponentImpact impact;
    impact.name = component.name;
    impact.level = component.level;
    impact.path = component.path;
    impact.weights = component.weights();
    for (std::size_t m = 0; m < task.settings.metrics.size(); ++m) {
      impact.joint[std::string(name(task.settings.metrics[m]))] = measured.value[m];
    }
    impact.standard_error = measured.standard_error[0];
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
    run.components.push_back(std::move(impact));
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
