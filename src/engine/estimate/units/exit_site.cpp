#include "engine/estimate/units/exit_site.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/forward/operators.hpp"

namespace heft {

ExitSite::ExitSite(const UnitPlan& plan) : exits_(plan.exits) {
  for (size_t i = 0; i < exits_.size(); ++i) leaves_.push_back(at::zeros({0}, at::kDouble).requires_grad_(true));
}

at::Tensor ExitSite::leave(size_t exit, const at::Tensor& value) {
  if (!at::isFloatingType(value.scalar_type())) return value;
  leaves_[exit] = at::zeros_like(value, at::MemoryFormat::Contiguous).requires_grad_(true);
  return value + leaves_[exit];
}

size_t ExitSite::firstAt(int64_t call) const {
  return static_cast<size_t>(std::lower_bound(exits_.begin(), exits_.end(), ExitPoint{call, 0, -1}) - exits_.begin());
}

void ExitSite::leave(int64_t call, size_t count, torch::jit::Stack& stack) {
  for (auto exit = firstAt(call); exit < exits_.size() && exits_[exit].call == call; ++exit) {
    const auto& point = exits_[exit];
    auto& argument = stack[stack.size() - count + static_cast<size_t>(point.argument)];
    if (point.norm) {
      const auto arguments = torch::jit::last(stack, count).vec();
      norms_.insert_or_assign(exit, NormExit(arguments));
    } else {
      replaceTensor(argument, point.element, [&](const at::Tensor& tensor) { return leave(exit, tensor); });
    }
  }
}

void ExitSite::leaveResult(int64_t call, torch::jit::Stack& stack) {
  for (auto exit = firstAt(call); exit < exits_.size() && exits_[exit].call == call; ++exit) {
    if (exits_[exit].norm) stack.back() = leave(exit, stack.back().toTensor());
  }
}

at::Tensor ExitSite::leaveOutput(size_t output, const at::Tensor& value) {
  const ExitPoint wanted{ExitPoint::kOutput, static_cast<int64_t>(output), -1};
  const auto exit = std::lower_bound(exits_.begin(), exits_.end(), wanted);
  if (exit == exits_.end() || *exit != wanted) return value;
  return leave(static_cast<size_t>(exit - exits_.begin()), value);
}

void ExitSite::place() {
  first_.clear();
  positions_ = 0;
  for (size_t exit = 0; exit < exits_.size(); ++exit) {
    first_.push_back(positions_);
    positions_ += positions(exit);
  }
}

at::Tensor ExitSite::adjoints(size_t exit, const at::Tensor& gradient) const {
  if (!gradient.defined() || leaves_[exit].numel() == 0) return {};
  const auto norm = norms_.find(exit);
  return norm == norms_.end() ? gradient.reshape({-1}) : norm->second.numbers(gradient);
}

at::Tensor ExitSite::allAdjoints(std::span<const at::Tensor> gradients) const {
  std::vector<at::Tensor> parts;
  for (size_t exit = 0; exit < exits_.size(); ++exit) {
    const auto one = adjoints(exit, gradients[exit]);
    parts.push_back(one.defined() ? one.to(at::kCPU, at::kDouble) : at::zeros({positions(exit)}, at::kDouble));
  }
  return at::cat(parts).unsqueeze(1);
}

bool ExitSite::assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) {
  place();
  return sampleOfRows(allAdjoints(once), allAdjoints(weighted), samples, samples_);
}

void ExitSite::assignOneSample() {
  place();
  samples_.assign(static_cast<size_t>(positions_), 0);
}

void ExitSite::beginSeeds(int64_t seeds) {
  if (first_.empty()) assignOneSample();
  lambda_ = at::zeros({positions_, seeds}, at::kFloat);
}

void ExitSite::takeSeed(int64_t seed, std::span<const at::Tensor> gradients) {
  for (size_t exit = 0; exit < exits_.size(); ++exit) {
    const auto one = adjoints(exit, gradients[exit]);
    if (one.defined()) lambda_.narrow(0, first_[exit], one.numel()).select(1, seed).copy_(one);
  }
}

}  // namespace heft
