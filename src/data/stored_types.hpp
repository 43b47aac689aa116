#pragma once

#include <c10/core/ScalarType.h>

#include <filesystem>
#include <string>
#include <vector>

#include "data/inputs.hpp"

namespace heft {

/// By argument of forward: what its tensors are in the files, in their order, before readInputs() widens them. Throws as it does.
std::vector<std::vector<c10::ScalarType>> storedTypes(const std::vector<std::filesystem::path>& files,
                                                      const c10::FunctionSchema& forward);

}  // namespace heft
