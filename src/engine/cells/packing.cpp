#include "engine/cells/packing.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace heft {

Packing::Packing(const at::Tensor& batch_sizes) {
  const auto sizes = batch_sizes.to(at::kCPU, at::kLong).contiguous();
  const auto* size = sizes.const_data_ptr<int64_t>();
  time_ = sizes.numel();
  batch_ = size[0];
  std::vector<int64_t> places;
  for (int64_t t = 0; t < time_; ++t) {
    for (int64_t b = 0; b < size[t]; ++b) places.push_back(t * batch_ + b);
  }
  places_ = at::tensor(places, at::kLong);
}

at::Tensor Packing::unpack(const at::Tensor& packed) const {
  auto shape = packed.sizes().vec();
  const auto width = shape.back();
  shape[shape.size() - 2] = time_ * batch_;
  auto padded = at::zeros(shape, packed.options()).index_copy(-2, places_.to(packed.device()), packed);
  shape.pop_back();
  shape.back() = time_;
  shape.push_back(batch_);
  shape.push_back(width);
  return padded.view(shape);
}

at::Tensor Packing::pack(const at::Tensor& padded) const {
  return padded.flatten(-3, -2).index_select(-2, places_.to(padded.device()));
}

at::Tensor Packing::active(const at::Device& device) const {
  auto mask = at::zeros({time_ * batch_}, at::kBool).index_fill(0, places_, true);
  return mask.view({time_, batch_, 1}).to(device);
}

}  // namespace heft
