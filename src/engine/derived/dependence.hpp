#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "engine/forward/weight_link.hpp"

namespace heft {

/// The derived weight's values when the parameter holds these.
using WeightFunction = std::function<at::Tensor(const at::Tensor& parameter)>;

/// Finds a link by running the function on changed parameters: which elements move when those whose number has a bit set are
/// changed, for each bit and for its opposite, tells the number of the one weight (or row) that an element follows, whatever the
/// operators in between. Nothing where an element follows several rows. parameter and derived of the link are left to the caller.
std::optional<WeightLink> findLink(const at::Tensor& parameter, const at::Tensor& derived,
                                   const WeightFunction& function);

}  // namespace heft
