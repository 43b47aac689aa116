#include "engine/units/exit_site.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace heft {
namespace {

/// All leaves' gradients as one [positions, 1], zeros where there is none.
at::Tensor positionsOf(std::span<const at::Tensor> gradients, const std::vector<at::Tensor>& leaves) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < leaves.size(); ++i)
    parts.push_back((gradients[i].defined() ? gradients[i] : at::zeros_like(leaves[i])).reshape({-1, 1}));
  return at::cat(parts);
}

}  // namespace

ExitSite::ExitSite(const UnitPlan& plan) : exits_(plan.exits) {
  for (size_t i = 0; i < exits_.size(); ++i) leaves_.push_back(at::zeros({0}, at::kDouble).requires_grad_(true));
}

at::Tensor ExitSite::leave(size_t exit, const at::Tensor& value) {
  if (!at::isFloatingType(value.scalar_type())) return value;
  leaves_[exit] = at::zeros_like(value, at::MemoryFormat::Contiguous).requires_grad_(true);
  return value + leaves_[exit];
}

void ExitSite::leave(int64_t call, size_t count, torch::jit::Stack& stack) {
  auto exit = std::lower_bound(exits_.begin(), exits_.end(), ExitPoint{call, 0, -1});
  for (; exit != exits_.end() && exit->call == call; ++exit) {
    const auto index = static_cast<size_t>(exit - exits_.begin());
    auto& argument = stack[stack.size() - count + static_cast<size_t>(exit->argument)];
    if (exit->element < 0) {
      argument = leave(index, argument.toTensor());
    } else {
      auto list = argument.toTensorVector();
      auto& one = list.at(static_cast<size_t>(exit->element));
      one = leave(index, one);
      argument = c10::IValue(list);
    }
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
  for (const auto& leaf : leaves_) {
    first_.push_back(positions_);
    positions_ += leaf.numel();
  }
}

bool ExitSite::assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted, int64_t samples) {
  place();
  return sampleOfRows(positionsOf(once, leaves_), positionsOf(weighted, leaves_), samples, samples_);
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
  for (size_t i = 0; i < leaves_.size(); ++i) {
    if (!gradients[i].defined() || leaves_[i].numel() == 0) continue;
    lambda_.narrow(0, first_[i], leaves_[i].numel()).select(1, seed).copy_(gradients[i].reshape({-1}));
  }
}

}  // namespace heft
