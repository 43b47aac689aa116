// In the place of the .cu files where no CUDA compiler was found: the host's side alone.
#include "engine/kernels/cuda/adjoint_rows_host.hpp"
#include "engine/kernels/cuda/delta_rows_host.hpp"
#include "engine/kernels/cuda/response_rows_host.hpp"

namespace heft::kernels {

bool hasDeviceKernels() { return false; }

void deltaRows(const DeltaRows& step, Place /*place*/) { host::deltaRows(step); }

void takeRows(const TakenRows& rows, Place /*place*/) { host::takeRows(rows); }

void addWeightChanges(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second, float* out,
                      int64_t width, int64_t samples, Place /*place*/) {
  host::addWeightChanges(changes, first, second, out, width, samples);
}

void adjointRows(const AdjointRows& step, Place /*place*/) { host::adjointRows(step); }

void responseRows(const ResponseRows& task, Place /*place*/) { host::responseRows(task); }

void seedSquares(const SeedSquares& task, Place /*place*/) { host::seedSquares(task); }

}  // namespace heft::kernels
