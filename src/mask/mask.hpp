#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "compare/measures/criteria.hpp"
#include "model/structure.hpp"

namespace heft {

struct MaskSettings {
  double keep = 0.2;        ///< share of the ranked weights that stay, above 0 to 1
  bool per_matrix = false;  ///< the share stays in each parameter; false: of all together
  bool biases = false;      ///< rank vectors too: few, and a removed one moves its whole unit
  std::string level{};      ///< "unit", "gate", …: whole components are kept or go; empty: single weights
};

/// Which weights stay.
struct Mask {
  std::vector<std::vector<std::uint8_t>> kept;  ///< [parameters][weights], row-major: 1 stays, 0 goes
  std::vector<std::size_t> ranked;              ///< [parameters]: weights that took part; all others stay
  std::size_t vectors = 0;                      ///< weights that stay because they are in vectors
  std::size_t without_score = 0;                ///< weights that stay because they have no score
  [[nodiscard]] std::size_t removed(std::size_t parameter) const;
  [[nodiscard]] std::size_t removed() const;
  [[nodiscard]] std::size_t weights() const;
  [[nodiscard]] std::size_t rankedWeights() const;
};

/// A bias, or the gain of a norm: no matrix.
[[nodiscard]] bool isVector(const ParameterInfo& info);

/// Keeps the weights with the highest scores: the share rounded to whole weights, one at least. Of equal scores the one that
/// stands first in the model stays. Weights without a score (NaN) stay and don't count.
///
/// Throws Error(Fault::usage) for a share outside (0, 1] and where no weight can be ranked.
[[nodiscard]] Mask maskOf(const CriterionScores& scores, const Structure& structure, const MaskSettings& settings);

/// Writes the mask as .safetensors: one tensor of booleans for each name of each parameter (tied ones are alike), of its
/// shape. Booleans, because PyTorch and NumPy take them as factors and as an index alike, whereas `~` of uint8 gives 254.
void writeMask(const Mask& mask, const Structure& structure, const std::string& criterion, const MaskSettings& settings,
               const std::filesystem::path& file);

}  // namespace heft
