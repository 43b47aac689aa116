#pragma once

#include <string>

namespace heft {

/// The version of LibTorch that Heft was compiled with, as in "2.11.0".
[[nodiscard]] std::string libtorch_version();

}  // namespace heft
