#include "engine/estimate/sites/gradient_site.hpp"

#include <ATen/ATen.h>

namespace heft {

GradientSite::GradientSite(std::string name, int64_t parameter, at::Tensor leaf)
    : name_(std::move(name)), parameter_(parameter), leaf_(std::move(leaf)) {}

bool GradientSite::assignSamples(std::span<const at::Tensor>, std::span<const at::Tensor>, int64_t samples) {
  samples_ = samples;
  return true;
}

void GradientSite::beginSeeds(int64_t seeds) {
  seeds_ = seeds;
  gradients_ = at::zeros({samples_ * seeds, leaf_.numel()}, at::kFloat);
}

void GradientSite::takeSeed(int64_t seed, std::span<const at::Tensor> gradients) {
  if (gradients[0].defined()) gradients_[seed].copy_(gradients[0].reshape({-1}));
}

void GradientSite::addResponse(int /*role*/, const RowChange& row, const ResponseBlock& block) const {
  const auto* gradients = gradients_.const_data_ptr<float>() + row.row * block.columns;
  const auto weights = gradients_.size(1);
  for (int64_t i = 0; i < block.samples * block.seeds; ++i) {
    auto* out = block.data + i * block.columns;
    for (int64_t j = 0; j < block.columns; ++j)
      out[j] += gradients[i * weights + j] * row.change[static_cast<size_t>(j)];
  }
}

}  // namespace heft
