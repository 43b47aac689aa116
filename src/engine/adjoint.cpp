#include "engine/adjoint.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "analysis/random.hpp"

namespace heft {
namespace {

std::vector<at::Tensor> leavesOf(const std::vector<Site*>& sites) {
  std::vector<at::Tensor> leaves;
  for (const auto* site : sites) {
    const auto own = site->leaves();
    leaves.insert(leaves.end(), own.begin(), own.end());
  }
  return leaves;
}

std::vector<at::Tensor> gradients(const at::Tensor& outputs, const at::Tensor& seed, const std::vector<at::Tensor>& leaves) {
  if (leaves.empty()) return {};
  return torch::autograd::grad({outputs}, leaves, {seed}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
}

/// Hands each site its part of the gradients.
template <class Take>
void distribute(const std::vector<Site*>& sites, const std::vector<at::Tensor>& all, const Take& take) {
  size_t first = 0;
  for (auto* site : sites) {
    const auto count = site->leaves().size();
    take(*site, std::span<const at::Tensor>(all).subspan(first, count));
    first += count;
  }
}

}  // namespace

bool assignSamples(const std::vector<Site*>& sites, const at::Tensor& outputs, uint64_t seed) {
  const auto samples = outputs.size(0);
  auto once = at::empty(outputs.sizes(), at::kDouble);
  auto* values = once.mutable_data_ptr<double>();
  Random random(seed, "assign samples");
  for (int64_t i = 0; i < once.numel(); ++i) values[i] = random.normal();
  once = once.to(outputs.device());
  const auto factors = at::arange(1, samples + 1, outputs.options().requires_grad(false)).unsqueeze(1);
  const auto leaves = leavesOf(sites);
  const auto first = gradients(outputs, once, leaves);
  const auto second = gradients(outputs, once * factors, leaves);
  bool all = true;
  size_t at = 0;
  for (auto* site : sites) {
    const auto count = site->leaves().size();
    all &= site->assignSamples(std::span<const at::Tensor>(first).subspan(at, count),
                               std::span<const at::Tensor>(second).subspan(at, count), samples);
    at += count;
  }
  return all;
}

void takeAdjoints(const std::vector<Site*>& sites, const at::Tensor& outputs, const Seeds& seeds, const ProgressFunction& progress) {
  std::vector<Site*> by_unit, by_gradient;
  for (auto* site : sites) (site->kind() == SiteKind::gradient ? by_gradient : by_unit).push_back(site);
  const auto samples = outputs.size(0);
  const auto total = static_cast<double>(seeds.count * (1 + (by_gradient.empty() ? 0 : samples)));
  double done = 0;
  for (auto* site : sites) site->beginSeeds(seeds.count);
  const auto leaves = leavesOf(by_unit);
  for (int64_t s = 0; s < seeds.count; ++s) {
    const auto seed = seeds.at(s).to(outputs.device());
    distribute(by_unit, gradients(outputs, seed, leaves), [&](Site& site, std::span<const at::Tensor> own) { site.takeSeed(s, own); });
    progress(++done / total);
    if (by_gradient.empty()) continue;
    // A parameter's own gradient sums over samples, so each sample is taken alone.
    const auto parameters = leavesOf(by_gradient);
    for (int64_t b = 0; b < samples; ++b) {
      auto one = at::zeros_like(seed);
      one[b] = seed[b];
      distribute(by_gradient, gradients(outputs, one, parameters), [&](Site& site, std::span<const at::Tensor> own) {
        site.takeSeed(b * seeds.count + s, own);
      });
      progress(++done / total);
    }
  }
}

}  // namespace heft
