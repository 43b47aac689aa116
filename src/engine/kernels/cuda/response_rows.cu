#include "engine/kernels/cuda/launch.hpp"
#include "engine/kernels/cuda/response_rows_body.hpp"
#include "engine/kernels/cuda/response_rows_host.hpp"

namespace heft::kernels {
namespace {

constexpr unsigned kThreads = 128;

/// Threads are lanes of rows of samples: a warp's lanes read the same point and lambda, and neighbouring columns.
template <CellKind kind, bool own, int tile>
__global__ void __launch_bounds__(kThreads) responseKernel(ResponseRows task, std::int64_t first) {
  const auto lanes = lanesOf<tile>(task);
  const auto i = globalThread();
  if (i < task.samples * task.rows * lanes)
    rowResponse<kind, own, tile>(task, first, i / (task.rows * lanes), i / lanes % task.rows, i % lanes, lanes);
}

__global__ void __launch_bounds__(kThreads) squaresKernel(SeedSquares task) {
  const auto i = globalThread();
  if (i < task.lines * task.columns) sumSquares(task, i / task.columns, i % task.columns);
}

}  // namespace

void responseRows(const ResponseRows& task, Place place) {
  if (!place.device) return host::responseRows(task);
  if (task.rows * task.columns * task.samples == 0) return;
  overTiles(task, [&]<CellKind kind, bool own, int tile>(std::int64_t first) {
    const auto threads = task.samples * task.rows * lanesOf<tile>(task);
    responseKernel<kind, own, tile><<<blocksFor(threads, kThreads), kThreads, 0, streamOf(place)>>>(task, first);
    checkLaunch();
  });
}

void seedSquares(const SeedSquares& task, Place place) {
  if (!place.device) return host::seedSquares(task);
  if (task.lines * task.columns == 0) return;
  squaresKernel<<<blocksFor(task.lines * task.columns, kThreads), kThreads, 0, streamOf(place)>>>(task);
  checkLaunch();
}

}  // namespace heft::kernels
