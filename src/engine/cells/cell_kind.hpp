#pragma once

namespace heft {

/// The recurrent cells that PyTorch has operators for.
enum class CellKind { lstm, gru, rnn_tanh, rnn_relu };

}  // namespace heft
