#include "engine/estimate/take_emission_adjoints.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "engine/estimate/adjoint.hpp"
#include "engine/estimate/recorder.hpp"
#include "engine/forward/release_graph.hpp"

namespace heft {
namespace {

constexpr uint64_t kSeed = 1;  ///< of the numbers that tell samples apart

/// True when the layer runs once, over whole sequences.
bool isPlain(const RecurrentSite& site) { return site.calls() == 1 && !site.form().cell && !site.hasProjection(); }

at::Tensor samplesOf(const RecurrentSite& site) { return at::tensor(site.samples(), at::kLong).clamp_min(0); }

/// Seed k is output k of every sample: each row moves one sample's outputs, so one adjoint serves all.
at::Tensor everyOutput(const at::Tensor& outputs) {
  return at::eye(outputs.size(1), outputs.options().requires_grad(false))
      .unsqueeze(1)
      .expand({outputs.size(1), outputs.size(0), outputs.size(1)});
}

/// Lets go of the graph behind some outputs, also where an adjoint can't be taken.
struct Released {
  const at::Tensor& outputs;
  ~Released() { releaseGraph(outputs); }
};

std::vector<EmissionAdjoints> adjointsOf(const std::vector<Site*>& sites, const at::Tensor& outputs) {
  if (sites.empty() || !outputs.requires_grad() || !assignSamples(sites, outputs, kSeed)) return {};
  std::vector<at::Tensor> leaves;
  for (const auto* site : sites) {
    if (!isPlain(dynamic_cast<const RecurrentSite&>(*site))) return {};
    const auto own = site->leaves();
    leaves.insert(leaves.end(), own.begin(), own.end());
  }
  const auto gradients = adjointsAt(leaves, outputs, everyOutput(outputs));
  std::vector<EmissionAdjoints> all;
  for (size_t site = 0, next = 0; site < sites.size(); ++site) {
    const auto own = sites[site]->leaves();
    auto emission = gradients[next];
    if (!emission.defined()) {
      auto shape = own[0].sizes().vec();
      shape.insert(shape.begin(), outputs.size(1));
      emission = at::zeros(shape, own[0].options().requires_grad(false));
    }
    const auto carry = own.size() > 1 ? gradients[next + 1] : at::Tensor();
    all.push_back({emission.to(at::kFloat), carry.defined() ? carry.to(at::kFloat) : carry,
                   samplesOf(dynamic_cast<const RecurrentSite&>(*sites[site]))});
    next += own.size();
  }
  return all;
}

}  // namespace

std::vector<EmissionAdjoints> emissionAdjoints(Runner& runner, const OutputLayout& layout) {
  const at::AutoGradMode grad(true);
  // A unit's own recurrent weights left to the adjoint: it then is the whole derivative.
  RecordHandler handler(runner.model(), /*keep_arguments=*/true, nullptr, {.own = false});
  const auto outputs = layout.table(runner.run(handler));
  std::vector<Site*> sites;
  for (auto* site : handler.sites()) {
    if (dynamic_cast<RecurrentSite*>(site) != nullptr) sites.push_back(site);
  }
  const Released released{outputs};
  return adjointsOf(sites, outputs);
}

}  // namespace heft
