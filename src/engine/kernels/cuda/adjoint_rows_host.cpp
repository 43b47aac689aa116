#include "engine/kernels/cuda/adjoint_rows_host.hpp"

#include "engine/kernels/cuda/adjoint_rows_body.hpp"

namespace heft::kernels::host {
namespace {

template <CellKind kind>
void everyUnit(const AdjointRows& step) {
  for (std::int64_t seed = 0; seed < step.seeds; ++seed) {
    for (std::int64_t row = 0; row < step.rows; ++row) {
      for (std::int64_t unit = 0; unit < step.hidden; ++unit) adjointUnit<kind>(step, seed, row, unit);
    }
  }
}

}  // namespace

void adjointRows(const AdjointRows& step) {
  forKind(step.kind, [&]<CellKind kind>() { everyUnit<kind>(step); });
}

}  // namespace heft::kernels::host
