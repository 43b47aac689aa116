#pragma once

#include "engine/kernels/cuda/response_rows.hpp"

/// The functions of response_rows.hpp on the host, one thread's work after the other.
namespace heft::kernels::host {

void responseRows(const ResponseRows& task);
void seedSquares(const SeedSquares& task);

}  // namespace heft::kernels::host
