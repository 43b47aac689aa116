#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/input_cut.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// What the weights of one parameter cost to execute.
struct PlannedParameter {
  std::string name;
  std::size_t weights = 0;  ///< selected
  double variants = 0;      ///< of them, about, that are executed
  double flop = 0;  ///< floating-point operations of one variant: what its change reaches, in the model's own products
  double variant_seconds = 0;  ///< of one of many, as measured here
  double seconds = 0;          ///< of all its variants
};

/// What a ranking will cost on this machine: parts measured for a moment, and continued to the whole.
struct Plan {
  RankSettings settings;
  std::size_t weights = 0;     ///< selected
  double variants = 0;         ///< that will be executed; of the method auto a guess, since it depends on what it finds
  std::size_t components = 0;  ///< executed jointly
  std::size_t adjoints = 0;    ///< 0: the method needs none
  bool whole = false;          ///< every selected weight is executed, by the method or since auto finds that cheaper
  std::size_t without = 0;     ///< weights without an estimate, as far as some rows of each parameter tell
  std::vector<PlannedParameter> parameters;
  double flop = 0;  ///< of all variants

  InputCut cut{};  ///< what of the inputs this was measured on
  double run = 0;  ///< seconds of one run of the unchanged model

  // Seconds.
  double start = 0;     ///< starting the process, loading, and running the unchanged model
  double adjoint = 0;   ///< of the estimates
  double response = 0;  ///< of the estimates, what follows the adjoints
  double prepare = 0;   ///< finding out how variants are executed
  double execute = 0;
  double finish = 0;       ///< ranking, and writing the run folder
  double calibration = 0;  ///< that this plan took

  double memory = 0;  ///< bytes at the most

  [[nodiscard]] double seconds() const { return start + adjoint + response + prepare + execute + finish; }
};

}  // namespace heft
