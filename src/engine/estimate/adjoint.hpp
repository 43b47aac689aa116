#pragma once

#include <functional>

#include "engine/estimate/adjoint_store.hpp"
#include "engine/estimate/sites/site.hpp"

namespace heft {

/// Vectors over the scored outputs whose adjoints are taken.
struct Seeds {
  /// Seed `index` as [samples, elements].
  std::function<at::Tensor(int64_t index)> at;
  int64_t count = 0;
  /// They stand in for outputs by chance, which is off by a hundred times more than products of rounded factors.
  bool random = false;
};

/// Called with the share that is done, 0 to 1; may throw to stop.
using ProgressFunction = std::function<void(double)>;

/// Finds which sample each row of each site belongs to. False when some row moves several samples' outputs; then the
/// whole batch has to count as one sample.
/// `outputs` is [samples, elements] with its autograd graph.
bool assignSamples(const std::vector<Site*>& sites, const at::Tensor& outputs, uint64_t seed);

/// Gradients of the seeds [seeds, samples, elements] at `leaves`: [seeds, ...] of each, undefined where the outputs don't depend on
/// it. The graph is kept.
std::vector<at::Tensor> adjointsAt(const std::vector<at::Tensor>& leaves, const at::Tensor& outputs,
                                   const at::Tensor& seeds);

/// Takes every seed's adjoint at every leaf. The graph is kept. `store`, where given, is asked before adjoints are taken.
void takeAdjoints(const std::vector<Site*>& sites, const at::Tensor& outputs, const Seeds& seeds,
                  const ProgressFunction& progress, AdjointStore* store = nullptr);

}  // namespace heft
