#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heft {

/// What a parameter is to the model: plain values, known once the model has run on its inputs.
struct ParameterInfo {
  std::string name;
  std::vector<std::int64_t> shape;
  std::string dtype;              ///< in the file, as PyTorch calls it: "float32"
  std::vector<std::string> tied;  ///< further names of the same memory
  std::string
      site;  ///< "LSTM", "GRU", "RNN (tanh)", "RNN (relu)", "linear", "embedding", "other"; "" where nothing read it
  std::string role;  ///< "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr", "weight", "bias"; "" for others
  std::string
      method;  ///< how `response` estimates it: "unit response", "traced unit response", "linear", "gradient"; "" where
               ///< nothing read it
  std::vector<std::string> gates;  ///< in the order of its rows; empty where rows are not stacked by gate
  std::int64_t layer = -1;         ///< index into Structure::layers; -1 outside recurrent layers

  /// Every parameter is seen as a matrix: rows = the first dimension, columns = all others flattened (1 for a vector).
  [[nodiscard]] std::int64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  [[nodiscard]] std::int64_t columns() const {
    std::int64_t product = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) product *= shape[i];
    return product;
  }
  [[nodiscard]] std::int64_t weights() const { return rows() * columns(); }
};

/// The columns of a matrix that are multiplied by what units emit.
struct Reader {
  std::int64_t parameter = 0;                ///< index into Structure::parameters
  std::vector<std::int64_t> column_of_unit;  ///< [units]: the column, or -1 where it doesn't read that unit
  bool by_row = false;                       ///< the numbers are rows: the matrix stands to the right, as in h @ W
};

/// A parameter that a layer reads through a function (a gain beside a direction, a turned matrix): its row (or column) i belongs to
/// row first_row + i of the layer's stacked gates.
struct FurtherWeights {
  std::int64_t parameter = 0;
  std::string role;  ///< of what the function makes: "weight_ih", "weight_hh", "bias_ih", "bias_hh"
  std::int64_t first_row = 0;
  bool by_column = false;
};

/// One layer in one direction of a recurrent site.
struct RecurrentLayerInfo {
  std::string name;        ///< "lstm.l0", "lstm.l0_reverse", "cell" (of parameters cell.weight_ih, ...)
  std::string kind;        ///< "LSTM", "GRU", "RNN (tanh)", "RNN (relu)"
  std::int64_t index = 0;  ///< place in its stack of layers, from 0
  bool reverse = false;
  std::int64_t units = 0;    ///< hidden size
  std::int64_t emitted = 0;  ///< projection size, or hidden size
  std::int64_t inputs = 0;   ///< input width
  std::vector<std::string> gates;
  // Indices into Structure::parameters, -1 where absent.
  std::int64_t weight_ih = -1, weight_hh = -1, bias_ih = -1, bias_hh = -1, weight_hr = -1;
  std::vector<FurtherWeights> further;
  std::vector<Reader>
      readers;  ///< every other matrix that reads the units: later layers, heads, the projection; not weight_hh
};

/// The parameters in the order of the model's own names, and the recurrent layers among them.
struct Structure {
  std::vector<ParameterInfo> parameters;
  std::vector<RecurrentLayerInfo> layers;
};

}  // namespace heft
