#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/forward/runner.hpp"

namespace heft {

/// Runs the unchanged model once more, on the same inputs: seconds that it took. Throws Error(Fault::unsupported) where the outputs
/// are not those of the first run, so that impacts couldn't be told from chance.
double repeatRun(Runner& runner, const std::vector<NamedOutput>& first);

/// True where some parameter is stored in float32 or more, so that fewer bits are something that forward chooses.
bool storedInFloat(const Model& model);

/// What running in the model's own types does to its outputs, for people: `exact` are those of float64.
std::string noteRounding(const std::vector<NamedOutput>& exact, const std::vector<NamedOutput>& own);

/// Checks how many draws of random numbers are asked for, and how many make sense: one where forward draws none. Adds what its owner
/// should know to `notes`. Throws Error(Fault::usage).
int64_t drawsOf(const Runner& runner, int64_t asked, uint64_t seed, std::vector<std::string>& notes);

/// What its owner should know of a stream: what is handed on, or that nothing goes on from call to call. `asked` is --carry's text.
/// Throws Error(Fault::usage) where outputs fit arguments and nobody said whether they are handed on.
void checkStream(Runner& runner, const std::vector<NamedOutput>& first, const std::vector<std::string>& asked,
                 std::vector<std::string>& notes);

}  // namespace heft
