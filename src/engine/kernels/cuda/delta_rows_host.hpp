#pragma once

#include "engine/kernels/cuda/delta_rows.hpp"

/// The functions of delta_rows.hpp on the host, one thread's work after the other.
namespace heft::kernels::host {

void deltaRows(const DeltaRows& step);
void takeRows(const TakenRows& rows);
void addWeightChanges(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second, float* out,
                      int64_t width, int64_t samples);

}  // namespace heft::kernels::host
