#include "engine/kernels/cuda/adjoint_rows_body.hpp"
#include "engine/kernels/cuda/adjoint_rows_host.hpp"
#include "engine/kernels/cuda/launch.hpp"

namespace heft::kernels {
namespace {

constexpr unsigned kThreads = 256;

template <CellKind kind>
__global__ void __launch_bounds__(kThreads) adjointKernel(AdjointRows step) {
  const auto i = globalThread();
  const auto row = i / step.hidden;
  if (row < step.seeds * step.rows) adjointUnit<kind>(step, row / step.rows, row % step.rows, i % step.hidden);
}

template <CellKind kind>
void launch(const AdjointRows& step, Place place) {
  const auto threads = step.seeds * step.rows * step.hidden;
  if (threads == 0) return;
  adjointKernel<kind><<<blocksFor(threads, kThreads), kThreads, 0, streamOf(place)>>>(step);
  checkLaunch();
}

}  // namespace

void adjointRows(const AdjointRows& step, Place place) {
  if (!place.device) return host::adjointRows(step);
  forKind(step.kind, [&]<CellKind kind>() { launch<kind>(step, place); });
}

}  // namespace heft::kernels
