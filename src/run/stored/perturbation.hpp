#pragma once

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace heft {

/// How weights are changed. A new way takes a line in the table below and its formula in Perturber (measure/weights), and a
/// sentence in the topic of `heft help perturbations`: docs/adding.md.
struct Perturbation {
  enum class Kind { zero, mean, permute, noise, scale, flip, round };
  Kind kind = Kind::zero;
  double amount = 0;  ///< noise: deviation as a multiple of the matrix's own; scale: factor; round: bits

  /// Reads "zero", "mean", "permute", "noise:0.1", "scale:0.5", "flip", "round:8"; throws Error(Fault::usage).
  static Perturbation parse(std::string_view text);
  /// As `parse` reads it.
  [[nodiscard]] std::string text() const;
};

/// All that is known of a perturbation before it meets a weight.
struct PerturbationFacts {
  Perturbation::Kind kind;
  std::string_view name;    ///< on the command line, in run.json and in messages
  std::string_view number;  ///< what its number is called, as in noise:S; empty: it takes none
  std::string_view wants;   ///< which number it takes, with an example
  double least, most;       ///< of the number
  bool whole;               ///< the number is a whole one
  bool of_matrix;           ///< it needs something of the whole matrix, all of whose weights must be finite then
};

inline constexpr double kAnyNumber = std::numeric_limits<double>::max();

inline constexpr std::array kPerturbations{
    PerturbationFacts{Perturbation::Kind::zero, "zero", "", "", 0, 0, false, false},
    PerturbationFacts{Perturbation::Kind::mean, "mean", "", "", 0, 0, false, true},
    PerturbationFacts{Perturbation::Kind::permute, "permute", "", "", 0, 0, false, false},
    PerturbationFacts{
        Perturbation::Kind::noise, "noise", "S",
        "needs a number above 0, the noise as a multiple of the matrix's standard deviation, as in noise:0.1",
        std::numeric_limits<double>::denorm_min(), kAnyNumber, false, true},
    PerturbationFacts{Perturbation::Kind::scale, "scale", "F", "needs a number, the factor, as in scale:0.5",
                      -kAnyNumber, kAnyNumber, false, false},
    PerturbationFacts{Perturbation::Kind::flip, "flip", "", "", 0, 0, false, false},
    PerturbationFacts{Perturbation::Kind::round, "round", "BITS",
                      "needs a whole number of bits from 1 to 16, as in round:8", 1, 16, true, true},
};

[[nodiscard]] const PerturbationFacts& facts(Perturbation::Kind kind) noexcept;
/// As people write them, "zero", "noise:S", "round:BITS", in the table's order.
[[nodiscard]] std::vector<std::string> perturbationNames();

}  // namespace heft
