#pragma once

#include "engine/cells/cell_kind.hpp"

namespace heft::kernels {

/// Calls work.template operator()<kind>() with the kind known to the compiler.
template <class Work>
void forKind(CellKind kind, const Work& work) {
  switch (kind) {
    case CellKind::lstm:
      return work.template operator()<CellKind::lstm>();
    case CellKind::gru:
      return work.template operator()<CellKind::gru>();
    case CellKind::rnn_tanh:
      return work.template operator()<CellKind::rnn_tanh>();
    case CellKind::rnn_relu:
      return work.template operator()<CellKind::rnn_relu>();
  }
}

}  // namespace heft::kernels
