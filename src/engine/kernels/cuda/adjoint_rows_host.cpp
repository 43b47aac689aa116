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
  switch (step.kind) {
    case CellKind::lstm:
      return everyUnit<CellKind::lstm>(step);
    case CellKind::gru:
      return everyUnit<CellKind::gru>(step);
    case CellKind::rnn_tanh:
    case CellKind::rnn_relu:
      return everyUnit<CellKind::rnn_tanh>(step);
  }
}

}  // namespace heft::kernels::host
