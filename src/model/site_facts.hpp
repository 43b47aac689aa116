#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heft {

/// A place of the model that reads parameters, for people. What isn't known (without a run: much) is left out.
struct SiteFacts {
  std::string
      name;  ///< the module: "encoder.lstm", "fc"; "" for the model itself; in a frozen model the operator: "lstm0"
  std::string kind;  ///< "LSTM", "GRU", "RNN (tanh)", "RNN (relu)", "linear", "embedding", "other"; without a run the
                     ///< module's class where it isn't recurrent: "Linear"
  bool recurrent = false;
  std::optional<std::int64_t> layers, directions;
  std::optional<std::int64_t> inputs;      ///< width; rows of an embedding
  std::optional<std::int64_t> outputs;     ///< width; units of a recurrent layer
  std::optional<std::int64_t> projection;  ///< width that the units are projected to
  std::vector<std::string> gates;          ///< in the order of the rows
  bool cell = false;                       ///< one step a call
  bool packed = false;                     ///< sequences of different lengths
  std::optional<bool> batch_first;         ///< none for cells and packed sequences
  std::optional<std::int64_t> calls;       ///< in one run on the inputs
  std::optional<std::int64_t> steps;       ///< of all calls together
  std::vector<std::string> parameters;     ///< by their first names
};

}  // namespace heft
