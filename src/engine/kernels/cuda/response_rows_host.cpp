#include "engine/kernels/cuda/response_rows_host.hpp"

#include "engine/kernels/cuda/response_rows_body.hpp"

namespace heft::kernels::host {

void responseRows(const ResponseRows& task) {
  overTiles(task, [&]<CellKind kind, bool own, int tile>(std::int64_t first) {
    const auto lanes = lanesOf<tile>(task);
    for (std::int64_t sample = 0; sample < task.samples; ++sample) {
      for (std::int64_t row = 0; row < task.rows; ++row) {
        for (std::int64_t lane = 0; lane < lanes; ++lane)
          rowResponse<kind, own, tile>(task, first, sample, row, lane, lanes);
      }
    }
  });
}

void seedSquares(const SeedSquares& task) {
  for (std::int64_t line = 0; line < task.lines; ++line) {
    for (std::int64_t column = 0; column < task.columns; ++column) sumSquares(task, line, column);
  }
}

}  // namespace heft::kernels::host
