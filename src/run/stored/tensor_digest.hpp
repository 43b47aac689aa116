#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data/tensor_file.hpp"

namespace heft {

/// SHA-256 of `what` and of the tensors' names, types, shapes and bytes, in order.
[[nodiscard]] std::string tensorDigest(std::string_view what, std::span<const TensorView> tensors);

}  // namespace heft
