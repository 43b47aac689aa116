#pragma once

#include <c10/core/ScalarType.h>

namespace heft {

/// What a type smaller than float64, or complex128, is computed with; any other type itself.
at::ScalarType widened(at::ScalarType type);

}  // namespace heft
