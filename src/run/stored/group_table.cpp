#include "run/stored/group_table.hpp"

#include <cstring>
#include <functional>
#include <limits>
#include <span>

#include "data/printable.hpp"
#include "data/safetensors.hpp"
#include "heft/error.hpp"
#include "run/stored/tensor_digest.hpp"

namespace heft {
namespace {

constexpr const char* sealKey = "sha256";
constexpr const char* sealed = "heft groups 1";
constexpr const char* errorTensor = "standard_error";

std::filesystem::path fileIn(const std::filesystem::path& folder) { return folder / "groups.safetensors"; }

std::string tensorOf(const RankSettings& settings, std::size_t metric) {
  return metric == 0 ? "impact" : "impact_" + std::string(name(settings.metrics[metric]));
}

std::vector<std::int64_t> shapeOf(const Run& run) {
  return {static_cast<std::int64_t>(run.components.size()), static_cast<std::int64_t>(run.groups.size())};
}

/// [components, groups], row-major.
std::vector<double> tableOf(const Run& run,
                            const std::function<const std::vector<double>&(const ComponentImpact&)>& of) {
  std::vector<double> table;
  table.reserve(run.components.size() * run.groups.size());
  for (const ComponentImpact& component : run.components) {
    const std::vector<double>& row = of(component);
    if (row.size() != run.groups.size())
      throw Error(Fault::internal, "component '" + component.name + "' has " + std::to_string(row.size()) +
                                       " impacts by group, the run has " + std::to_string(run.groups.size()) +
                                       " groups");
    table.insert(table.end(), row.begin(), row.end());
  }
  return table;
}

double at(const std::vector<double>& row, std::size_t group) {
  return group < row.size() ? row[group] : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void writeGroupTable(const Run& run, const std::filesystem::path& folder) {
  if (run.groups.empty()) return;
  std::vector<StoredTensor> tensors;
  for (std::size_t m = 0; m < run.settings.metrics.size(); ++m) {
    const std::string metric(name(run.settings.metrics[m]));
    const auto table =
        tableOf(run, [&](const ComponentImpact& one) -> const std::vector<double>& { return one.by_group.at(metric); });
    tensors.push_back(storeTensor(tensorOf(run.settings, m), shapeOf(run), std::span<const double>(table)));
  }
  const auto errors =
      tableOf(run, [](const ComponentImpact& one) -> const std::vector<double>& { return one.group_error; });
  tensors.push_back(storeTensor(errorTensor, shapeOf(run), std::span<const double>(errors)));
  const auto views = viewsOf(tensors);
  writeSafetensors(fileIn(folder), views, {{"format", "heft"}, {sealKey, tensorDigest(sealed, views)}});
}

void readGroupTable(Run& run, const std::filesystem::path& folder) {
  if (run.groups.empty()) return;
  std::error_code ignored;
  if (!std::filesystem::exists(fileIn(folder), ignored))
    throw Error(Fault::output, printablePath(folder) +
                                   ": groups.safetensors is missing from this run; copy it again "
                                   "from where it was made");
  const auto input = InputFile::open(fileIn(folder), Fault::output);
  const auto file = readSafetensors(input);
  const auto seal = file.metadata.find(sealKey);
  // Those that others made have none.
  if (seal != file.metadata.end() && seal->second != tensorDigest(sealed, viewsOf(file.tensors)))
    input.fail("does not match its SHA-256; it is damaged, copy it again from where it was made");
  const auto fill = [&](const std::string& tensor, const std::function<std::vector<double>&(ComponentImpact&)>& to) {
    for (const StoredTensor& stored : file.tensors) {
      if (stored.name != tensor) continue;
      if (stored.scalar != Scalar::f64 || stored.shape != shapeOf(run))
        input.fail("tensor '" + tensor + "' is " + std::string(scalarName(stored.scalar)) + " " +
                   shapeText(stored.shape) + ", but run.json lists float64 " + shapeText(shapeOf(run)));
      const std::size_t bytes = run.groups.size() * sizeof(double);
      for (std::size_t c = 0; c < run.components.size(); ++c) {
        auto& row = to(run.components[c]);
        row.resize(run.groups.size());
        std::memcpy(row.data(), stored.bytes.data() + c * bytes, bytes);
      }
      return;
    }
    input.fail("has no tensor '" + tensor + "'");
  };
  for (std::size_t m = 0; m < run.settings.metrics.size(); ++m) {
    const std::string metric(name(run.settings.metrics[m]));
    fill(tensorOf(run.settings, m), [&](ComponentImpact& one) -> std::vector<double>& { return one.by_group[metric]; });
  }
  fill(errorTensor, [](ComponentImpact& one) -> std::vector<double>& { return one.group_error; });
}

double groupImpact(const ComponentImpact& component, Metric metric, std::size_t group) {
  const auto found = component.by_group.find(std::string(name(metric)));
  return found == component.by_group.end() ? std::numeric_limits<double>::quiet_NaN() : at(found->second, group);
}

double groupError(const ComponentImpact& component, std::size_t group) { return at(component.group_error, group); }

}  // namespace heft
