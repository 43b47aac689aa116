#pragma once

#include "engine/kernels/cuda/adjoint_rows.hpp"

/// The function of adjoint_rows.hpp on the host, one thread's work after the other.
namespace heft::kernels::host {

void adjointRows(const AdjointRows& step);

}  // namespace heft::kernels::host
