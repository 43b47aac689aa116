#include "engine/execute/zero_scope.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "engine/execute/change_scope.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr int64_t kGrain = 1 << 14;  ///< places that are worth a thread

}  // namespace

ZeroScope::ZeroScope(Model& model, const std::vector<at::Tensor>& masks) : model_(model) {
  const at::NoGradGuard no_grad;
  if (masks.size() != model.parameters.size())
    throw Error(Fault::internal, "masks of " + std::to_string(masks.size()) + " parameters; the model has " +
                                     std::to_string(model.parameters.size()));
  try {
    for (size_t p = 0; p < masks.size(); ++p) {
      if (!masks[p].defined()) continue;
      const auto& parameter = model.parameters[p];
      if (masks[p].numel() != parameter.value.numel())
        throw Error(Fault::internal, "a mask of " + std::to_string(masks[p].numel()) + " weights for " +
                                         parameter.name + ", which has " + std::to_string(parameter.value.numel()));
      const auto value = keep(p);
      value.masked_fill_(masks[p].to(value.device()).view(value.sizes()), 0);
    }
  } catch (...) {
    putBack();
    throw;
  }
}

at::Tensor ZeroScope::keep(size_t parameter) {
  const auto value = model_.parameters.at(parameter).value.detach();
  const auto same = [&](const Saved& one) { return one.parameter == parameter; };
  if (std::none_of(saved_.begin(), saved_.end(), same)) {
    const auto memory = memoryOf(value);
    saved_.push_back({parameter, memory, memory.clone()});
  }
  return value;
}

void ZeroScope::zero(size_t parameter, std::span<const uint32_t> places) {
  if (places.empty()) return;
  const at::NoGradGuard no_grad;
  const auto value = keep(parameter);
  if (static_cast<int64_t>(*std::max_element(places.begin(), places.end())) >= value.numel())
    throw Error(Fault::internal, "a place outside " + model_.parameters[parameter].name + " was to be zeroed");
  if (value.is_cpu() && value.is_contiguous() && value.scalar_type() == at::kDouble) {
    auto* data = value.mutable_data_ptr<double>();
    at::parallel_for(0, std::ssize(places), kGrain, [&](int64_t begin, int64_t end) {
      for (const auto place : places.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)))
        data[place] = 0;
    });
    return;
  }
  const auto in_memory = placesInMemory(value, {places.begin(), places.end()});
  memoryOf(value).index_fill_(0, at::tensor(in_memory, at::kLong).to(value.device()), 0);
}

void ZeroScope::putBack() {
  const at::NoGradGuard no_grad;
  // Backwards: two parameters may share memory, and the copy of the later one then has zeros of the earlier.
  for (auto one = saved_.rbegin(); one != saved_.rend(); ++one) one->memory.copy_(one->values);
}

}  // namespace heft
