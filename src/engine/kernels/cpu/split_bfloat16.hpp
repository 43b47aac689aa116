#pragma once

#include <cstdint>

namespace heft::kernels {

/// Each value as a sum of two bfloat16 numbers, rounded to nearest: high + low = value within 2^-17 of it. All [count].
void splitBfloat16(const float* values, std::int64_t count, std::uint16_t* high, std::uint16_t* low);

}  // namespace heft::kernels
