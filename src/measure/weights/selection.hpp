#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/structure.hpp"

namespace heft {

/// Which weights a run is about.
struct Selection {
  /// One for each of Structure::parameters: [weights], row-major, 1 where selected; empty where none of its
  /// weights is.
  std::vector<std::vector<std::uint8_t>> mask;

  [[nodiscard]] bool contains(std::int64_t parameter, std::int64_t flat) const;
  /// How many weights are selected, of one parameter and of all.
  [[nodiscard]] std::int64_t weights(std::int64_t parameter) const;
  [[nodiscard]] std::int64_t weights() const;
};

/// The weights that any of the patterns names, GLOB or GLOB[...]: "rnn.weight_hh_l0[0:16,:]", "*.weight_hh*",
/// "fc.bias[-1]", "conv.weight[2,1,0]". In a glob `*` is any text, dots included, and `?` any character; a
/// tied parameter goes by each of its names. What brackets may hold stands at `parseBlock`; they apply to
/// each parameter that the glob matches. No patterns: all weights.
///
/// Throws Error(Fault::usage): a glob that matches nothing, with the names that are near; brackets that don't
/// fit.
[[nodiscard]] Selection select(const Structure& structure, std::span<const std::string> patterns);

/// All names of all parameters, tied ones too, in the structure's order.
[[nodiscard]] std::vector<std::string> parameterNames(const Structure& structure);

}  // namespace heft
