#include "measure/rank/kept_estimates.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "data/seconds_since.hpp"

namespace heft {
namespace {

/// What the checkpoint keeps of the estimates beside them.
constexpr auto kFacts = "estimate facts";

constexpr double kEvery = 10;  // seconds between two parts of rows

// Adjoints come nearly as fast as a disk takes them, so those alone are kept that took longer than writing and reading them would, in
// an estimate that takes long, and not without end.
constexpr double kKeepAfter = 10;                      // seconds
constexpr double kBytesPerSecond = 100e6;              // of a slow disk
constexpr int64_t kAdjointBytes = int64_t{1} << 30;    // on the disk, at most
constexpr int64_t kPendingBytes = int64_t{128} << 20;  // in memory before they are written

/// Checkpoint::ownPrefix: whoever begins with these estimates has no use for the adjoints behind them.
std::string adjointName(const std::string& name, size_t leaf) {
  return "own adjoints " + name + " " + std::to_string(leaf);
}

}  // namespace

KeptEstimates::KeptEstimates(const MethodTask& task)
    : task_(task), kept_(task.session.structure().parameters.size(), 0) {}

std::string KeptEstimates::listName(const char* what, Metric metric, size_t parameter, int64_t row) const {
  return std::string(what) + " " + std::string(name(metric)) + " " + std::to_string(parameter) + " " +
         std::to_string(row);
}

int64_t KeptEstimates::restoreRows(size_t parameter, ResponseResult& result) {
  const auto& info = task_.session.structure().parameters[parameter];
  const auto columns = info.columns();
  auto& row = kept_[parameter];
  row = 0;
  while (row < info.rows()) {
    const auto first = row;
    auto next = info.rows();
    for (size_t m = 0; m < task_.settings.metrics.size(); ++m) {
      const auto metric = task_.settings.metrics[m];
      const auto impact = task_.checkpoint.list(listName("estimate", metric, parameter, first));
      const auto error = task_.checkpoint.list(listName("estimate error", metric, parameter, first));
      if (!impact || !error || impact->size() != error->size() || impact->empty()) return row;
      const auto rows = std::ssize(*impact) / columns;
      if (rows * columns != std::ssize(*impact) || first + rows > info.rows()) return row;
      std::copy(impact->begin(), impact->end(), result.impact[m][parameter].begin() + first * columns);
      std::copy(error->begin(), error->end(), result.standard_error[m][parameter].begin() + first * columns);
      next = std::min(next, first + rows);
    }
    row = next;
  }
  return row;
}

bool KeptEstimates::due() const { return secondsSince(last_) >= kEvery; }

void KeptEstimates::keepRows(size_t parameter, int64_t rows, const ResponseResult& result) {
  const auto columns = task_.session.structure().parameters[parameter].columns();
  const auto first = kept_[parameter];
  if (rows <= first) return;
  const auto from = static_cast<size_t>(first * columns), count = static_cast<size_t>((rows - first) * columns);
  for (size_t m = 0; m < task_.settings.metrics.size(); ++m) {
    const auto metric = task_.settings.metrics[m];
    task_.checkpoint.addList(listName("estimate", metric, parameter, first),
                             std::span(result.impact[m][parameter]).subspan(from, count));
    task_.checkpoint.addList(listName("estimate error", metric, parameter, first),
                             std::span(result.standard_error[m][parameter]).subspan(from, count));
  }
  kept_[parameter] = rows;
  if (!due()) return;
  task_.checkpoint.flush();
  last_ = std::chrono::steady_clock::now();
}

bool KeptEstimates::restore(ResponseResult& result) {
  const auto facts = task_.checkpoint.list(kFacts);
  if (!facts || facts->size() != 3) return false;
  const auto& parameters = task_.session.structure().parameters;
  prepareResult(result, parameters, task_.settings.metrics.size(), 0);
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (restoreRows(p, result) < parameters[p].rows()) return false;
  }
  result.adjoints = static_cast<size_t>(facts->at(0));
  result.probes = static_cast<int64_t>(facts->at(1));
  result.probe_error = facts->at(2);
  return true;
}

void KeptEstimates::finish(const ResponseResult& result) {
  for (size_t p = 0; p < kept_.size(); ++p) keepRows(p, task_.session.structure().parameters[p].rows(), result);
  const std::vector<double> facts{static_cast<double>(result.adjoints), static_cast<double>(result.probes),
                                  result.probe_error};
  task_.checkpoint.addList(kFacts, std::span<const double>(facts));
  task_.checkpoint.flush();
}

std::optional<std::vector<at::Tensor>> KeptEstimates::adjoints(const std::string& name,
                                                               std::span<const at::Tensor> leaves, int64_t seeds) {
  std::vector<at::Tensor> all(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    const auto values = task_.checkpoint.list(adjointName(name, i));
    if (!values) return std::nullopt;
    if (values->empty()) continue;
    if (std::ssize(*values) != seeds * leaves[i].numel()) return std::nullopt;
    auto shape = leaves[i].sizes().vec();
    shape.insert(shape.begin(), seeds);
    all[i] = at::empty(shape, at::kDouble);
    std::copy(values->begin(), values->end(), all[i].mutable_data_ptr<double>());
    all[i] = all[i].to(leaves[i].options().requires_grad(false));
  }
  return all;
}

void KeptEstimates::keepAdjoints(const std::string& name, std::span<const at::Tensor> all, double seconds) {
  int64_t bytes = 0;
  for (const auto& one : all) {
    if (!one.defined()) continue;
    // Wider than a list is, or complex: those are taken again.
    if (one.scalar_type() != at::kFloat && one.scalar_type() != at::kDouble) return;
    bytes += one.numel() * static_cast<int64_t>(one.element_size());
  }
  if (secondsSince(began_) < kKeepAfter || static_cast<double>(bytes) > kBytesPerSecond * seconds ||
      adjoint_bytes_ + bytes > kAdjointBytes)
    return;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto list = adjointName(name, i);
    if (!all[i].defined()) {
      task_.checkpoint.addList(list, std::span<const float>());
      continue;
    }
    const auto values = all[i].to(at::kCPU).contiguous();
    const auto count = static_cast<size_t>(values.numel());
    if (values.scalar_type() == at::kFloat)
      task_.checkpoint.addList(list, std::span(values.const_data_ptr<float>(), count));
    else
      task_.checkpoint.addList(list, std::span(values.const_data_ptr<double>(), count));
  }
  const bool many = adjoint_bytes_ / kPendingBytes != (adjoint_bytes_ + bytes) / kPendingBytes;
  adjoint_bytes_ += bytes;
  if (!many && !due()) return;
  task_.checkpoint.flush();
  last_ = std::chrono::steady_clock::now();
}

}  // namespace heft
