#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/stored/run.hpp"

namespace heft {

/// A weight of a run, measured again.
struct VerifiedWeight {
  std::size_t parameter = 0;  ///< index into Structure::parameters
  std::int64_t index = 0;     ///< row-major place in the parameter
  bool executed = false;
  double impact = 0, lower = 0, upper = 0;  ///< as the run has them
  double reference = 0;                     ///< the impact measured again
};

/// `sample` weights of the run in the model's order, half from those that were executed and half from the estimated ones;
/// where one kind has too few, the other fills up. Each kind is drawn uniformly without replacement, so that the share
/// of estimates inside their intervals is an honest estimate of coverage.
[[nodiscard]] std::vector<VerifiedWeight> drawForVerification(const Run& run, std::size_t sample, std::uint64_t seed);

/// A component of a run, measured again.
struct VerifiedComponent {
  std::size_t component = 0;     ///< index into Run::components
  double reference = 0;          ///< the impact measured again
  std::vector<double> by_group;  ///< the same on each of the run's groups
};

/// `sample` components of the run in its order, drawn uniformly without replacement.
[[nodiscard]] std::vector<VerifiedComponent> drawComponents(const Run& run, std::size_t sample, std::uint64_t seed);

/// How far one kind of impact is off.
struct Deviation {
  std::size_t weights = 0;   ///< or components
  std::size_t compared = 0;  ///< with an impact that is large enough for a relative error
  double median = 0, high = 0,
         most = 0;                 ///< relative error: median, 95 % quantile, maximum; NaN where none was compared
  std::optional<double> spearman;  ///< of the run's impacts with the references
};

struct Verification {
  Deviation executed, estimated;      ///< single weights
  Deviation components, groups;       ///< components; and their impacts on each group of the outputs
  std::optional<double> spearman;     ///< over all weights
  std::size_t inside = 0;             ///< estimated weights whose reference lies in their interval
  std::size_t open = 0;               ///< of these, with no upper bound
  double promised = 0;                ///< 1 - alpha
  double chance = 1;                  ///< of so few inside or fewer, if the promise held
  std::vector<std::string> failures;  ///< a sentence for each check that did not pass
};

/// Executed impacts must agree with their reference within 1e-4 of it, or 2 % where they were measured with --precision bfloat16. Impacts below 1e-6 of the output's rms (squared for
/// kl, which is a square) are compared with that size instead, and the run's float noise is allowed for on top. Of n
/// estimates each lies in its interval with probability 1 - alpha; that so few do must have a chance of 1 % or more. Impacts of
/// components, and those by group, are executed ones.
[[nodiscard]] Verification verificationOf(const Run& run, std::span<const VerifiedWeight> weights,
                                          std::span<const VerifiedComponent> components = {});

/// Lines for a terminal.
[[nodiscard]] std::string verificationText(const Verification& found);
[[nodiscard]] nlohmann::ordered_json verificationJson(const Verification& found);

}  // namespace heft
