#include "engine/estimate/adjoint.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>

#include "analysis/random.hpp"
#include "data/seconds_since.hpp"
#include "engine/estimate/sites/adjoint_precision.hpp"
#include "engine/forward/intercept.hpp"
#include "engine/forward/no_warnings.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {
namespace {

/// Runs operators as they are: between any two of them a walk of minutes can be stopped.
class PassingHandler : public OperatorHandler {
 public:
  void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) override { op.callBoxed(stack); }
};

std::vector<at::Tensor> leavesOf(const std::vector<Site*>& sites) {
  std::vector<at::Tensor> leaves;
  for (const auto* site : sites) {
    const auto own = site->leaves();
    leaves.insert(leaves.end(), own.begin(), own.end());
  }
  return leaves;
}

std::vector<at::Tensor> gradients(const at::Tensor& outputs, const at::Tensor& seed,
                                  const std::vector<at::Tensor>& leaves) {
  if (leaves.empty()) return {};
  const NoWarnings no_warnings;
  PassingHandler passing;
  const InterceptScope scope(passing);
  return torch::autograd::grad({outputs}, leaves, {seed}, /*retain_graph=*/true, /*create_graph=*/false,
                               /*allow_unused=*/true);
}

/// Adjoints of many seeds in one walk back through the graph, as functorch's vmap batches it: each step's products then have
/// seeds x rows rows. Where an operator can't be batched, one seed after the other.
class Adjoints {
 public:
  explicit Adjoints(at::Tensor outputs) : outputs_(std::move(outputs)) {}

  /// `seeds` is [n, samples, elements]; [n, ...] for each leaf, undefined where the outputs don't depend on it.
  std::vector<at::Tensor> of(const at::Tensor& seeds, const std::vector<at::Tensor>& leaves) {
    if (batches_ && seeds.size(0) > 1) {
      try {
        return batched(seeds, leaves);
      } catch (const c10::Error&) {
        batches_ = false;
      }
    }
    return oneByOne(seeds, leaves);
  }

 private:
  std::vector<at::Tensor> batched(const at::Tensor& seeds, const std::vector<at::Tensor>& leaves) const {
    const VmapLevel level(seeds.size(0));
    auto all = gradients(outputs_, level.wrap(seeds), leaves);
    const BelowVmap below;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!all[i].defined()) continue;
      if (isBatched(all[i])) {
        all[i] = unwrap(all[i]);
        continue;
      }
      auto shape = all[i].sizes().vec();
      shape.insert(shape.begin(), seeds.size(0));
      all[i] = all[i].expand(shape);
    }
    return all;
  }

  std::vector<at::Tensor> oneByOne(const at::Tensor& seeds, const std::vector<at::Tensor>& leaves) const {
    std::vector<std::vector<at::Tensor>> parts(leaves.size());
    for (int64_t s = 0; s < seeds.size(0); ++s) {
      const auto one = gradients(outputs_, seeds[s], leaves);
      for (size_t i = 0; i < one.size(); ++i) {
        if (one[i].defined()) parts[i].push_back(one[i]);
      }
    }
    std::vector<at::Tensor> all(leaves.size());
    for (size_t i = 0; i < all.size(); ++i) {
      if (!parts[i].empty()) all[i] = at::stack(parts[i]);
    }
    return all;
  }

  at::Tensor outputs_;
  bool batches_ = true;
};

/// Seeds that are taken at once: their gradients at the leaves, and what the walk keeps beside them, stay below a quarter of a
/// gigabyte, about, and a gigabyte on a device. On autograd's tape that is the gates of a recurrent layer, four times its leaf;
/// layers with an adjoint of their own, whose leaves are float32, hand the gradient of what they read on in float64.
int64_t chunkOf(const std::vector<at::Tensor>& leaves) {
  int64_t bytes = 1;
  for (const auto& leaf : leaves)
    bytes += (leaf.scalar_type() == at::kFloat ? 3 : 5) * leaf.numel() * static_cast<int64_t>(leaf.element_size());
  const bool device = !leaves.empty() && leaves[0].is_cuda();
  return std::clamp(int64_t{device ? 1024 : 256} * 1024 * 1024 / bytes, int64_t{1}, int64_t{device ? 256 : 64});
}

/// What the store holds, or what `take` gives, which goes into the store then.
std::vector<at::Tensor> keptOr(AdjointStore* store, const std::string& name, const std::vector<at::Tensor>& leaves,
                               int64_t seeds, const std::function<std::vector<at::Tensor>()>& take) {
  if (store == nullptr) return take();
  if (auto kept = store->adjoints(name, leaves, seeds)) return std::move(*kept);
  const auto began = std::chrono::steady_clock::now();
  auto all = take();
  store->keepAdjoints(name, all, secondsSince(began));
  return all;
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
  const AdjointsIn exact(AdjointPrecision::full);
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

std::vector<at::Tensor> adjointsAt(const std::vector<at::Tensor>& leaves, const at::Tensor& outputs,
                                   const at::Tensor& seeds) {
  Adjoints adjoints(outputs);
  std::vector<at::Tensor> all(leaves.size());
  const auto chunk = chunkOf(leaves);
  for (int64_t first = 0; first < seeds.size(0); first += chunk) {
    const auto count = std::min(chunk, seeds.size(0) - first);
    const auto some = adjoints.of(seeds.narrow(0, first, count), leaves);
    for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      if (!some[leaf].defined()) continue;
      if (!all[leaf].defined()) {
        auto shape = some[leaf].sizes().vec();
        shape[0] = seeds.size(0);
        all[leaf] = at::zeros(shape, some[leaf].options());
      }
      all[leaf].narrow(0, first, count).copy_(some[leaf]);
    }
  }
  return all;
}

void takeAdjoints(const std::vector<Site*>& sites, const at::Tensor& outputs, const Seeds& seeds,
                  const ProgressFunction& progress, AdjointStore* store) {
  std::vector<Site*> by_unit, by_gradient;
  for (auto* site : sites) (site->kind() == SiteKind::gradient ? by_gradient : by_unit).push_back(site);
  const auto samples = outputs.size(0);
  const auto total = static_cast<double>(seeds.count * (1 + (by_gradient.empty() ? 0 : samples)));
  double done = 0;
  const AdjointsIn precision(seeds.random ? AdjointPrecision::rounded : AdjointPrecision::floats);
  for (auto* site : sites) site->beginSeeds(seeds.count);
  Adjoints adjoints(outputs);
  const auto take = [&](const std::vector<Site*>& some, int64_t count, const std::string& name,
                        const std::function<at::Tensor(int64_t)>& seed) {
    const auto leaves = leavesOf(some);
    if (leaves.empty()) return;
    const auto chunk = chunkOf(leaves);
    for (int64_t first = 0; first < count; first += chunk) {
      const auto now = std::min(chunk, count - first);
      const auto all = keptOr(store, name + std::to_string(first), leaves, now, [&] {
        std::vector<at::Tensor> together;
        for (int64_t s = first; s < first + now; ++s) together.push_back(seed(s).to(outputs.device()));
        return adjoints.of(at::stack(together), leaves);
      });
      for (size_t i = 0; i < static_cast<size_t>(now); ++i) {
        std::vector<at::Tensor> one(all.size());
        for (size_t leaf = 0; leaf < all.size(); ++leaf) {
          if (all[leaf].defined()) one[leaf] = all[leaf][static_cast<int64_t>(i)];
        }
        distribute(some, one, [&](Site& site, std::span<const at::Tensor> own) {
          site.takeSeed(first + static_cast<int64_t>(i), own);
        });
        progress(++done / total);
      }
    }
  };
  take(by_unit, seeds.count, "by unit ", seeds.at);
  // A parameter's own gradient sums over samples, so each sample is taken alone.
  take(by_gradient, samples * seeds.count, "by gradient ", [&](int64_t index) {
    const auto sample = index / seeds.count;
    const auto seed = seeds.at(index % seeds.count);
    auto alone = at::zeros_like(seed);
    alone[sample] = seed[sample];
    return alone;
  });
  for (auto* site : sites) site->endSeeds();
}

}  // namespace heft
