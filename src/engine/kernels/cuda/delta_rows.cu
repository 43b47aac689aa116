#include "engine/kernels/cuda/delta_rows_body.hpp"
#include "engine/kernels/cuda/delta_rows_host.hpp"
#include "engine/kernels/cuda/launch.hpp"

namespace heft::kernels {
namespace {

constexpr unsigned kThreads = 256;
/// Variants that one thread takes: what the baseline fixes of a unit is read once for them.
constexpr int64_t kVariants = 8;

/// Blocks of units x variants; grid of (units x samples) x variants.
template <CellKind kind>
__global__ void __launch_bounds__(kThreads) deltaKernel(DeltaRows step, int64_t unit_blocks) {
  const auto sample = blockIdx.x / unit_blocks;
  const auto unit = (blockIdx.x % unit_blocks) * blockDim.x + threadIdx.x;
  if (unit >= step.hidden) return;
  const auto first = static_cast<int64_t>(blockIdx.y) * blockDim.y * kVariants + threadIdx.y;
  const auto end = first - threadIdx.y + blockDim.y * kVariants;
  deltaUnit<kind>(step, unit, sample, first, end < step.variants ? end : step.variants, blockDim.y);
}

template <CellKind kind>
void launch(const DeltaRows& step, Place place) {
  unsigned width = 32;
  while (width < kThreads && width < step.hidden) width *= 2;
  const dim3 threads(width, kThreads / width);
  const auto unit_blocks = (step.hidden + width - 1) / width;
  const auto deep = threads.y * kVariants;
  const dim3 grid(static_cast<unsigned>(unit_blocks * step.samples),
                  static_cast<unsigned>((step.variants + deep - 1) / deep));
  deltaKernel<kind><<<grid, threads, 0, streamOf(place)>>>(step, unit_blocks);
  checkLaunch();
}

__global__ void takeKernel(TakenRows rows) {
  const auto i = globalThread();
  if (i < rows.rows * rows.width) takeValue(rows, i / rows.width, i % rows.width);
}

__global__ void changeKernel(WeightChanges changes, ChangeSource first, ChangeSource second, float* out, int64_t width,
                             int64_t samples) {
  const auto i = globalThread();
  if (i < changes.places * samples) addPlace(changes, first, second, out, width, samples, i / samples, i % samples);
}

}  // namespace

bool hasDeviceKernels() { return true; }

void deltaRows(const DeltaRows& step, Place place) {
  if (!place.device) return host::deltaRows(step);
  forKind(step.kind, [&]<CellKind kind>() { launch<kind>(step, place); });
}

void takeRows(const TakenRows& rows, Place place) {
  if (!place.device) return host::takeRows(rows);
  takeKernel<<<blocksFor(rows.rows * rows.width, kThreads), kThreads, 0, streamOf(place)>>>(rows);
  checkLaunch();
}

void addWeightChanges(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second, float* out,
                      int64_t width, int64_t samples, Place place) {
  if (!place.device) return host::addWeightChanges(changes, first, second, out, width, samples);
  if (changes.places == 0) return;
  changeKernel<<<blocksFor(changes.places * samples, kThreads), kThreads, 0, streamOf(place)>>>(changes, first, second,
                                                                                                out, width, samples);
  checkLaunch();
}

}  // namespace heft::kernels
