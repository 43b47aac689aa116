#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "heft/rank.hpp"
#include "model/structure.hpp"

namespace heft::cli {

/// Adds MODEL, --inputs, --targets, --output-target, --dims, --stream, --carry, --draws, --device, --threads.
void addModelOptions(CLI::App& command, ModelOptions& options, bool inputs_required);

/// Adds --metric, --perturb and --seed.
void addMeasuringOptions(CLI::App& command, RankOptions& options);

/// What is wrong with a seed's text; empty where nothing is. CLI11 itself would wrap -1 and cut what is too large.
std::string checkSeed(const std::string& text);

/// A path as an option's value; CLI11's own way stops at blanks.
CLI::Option* addPath(CLI::App& command, const std::string& name, std::filesystem::path& path, const std::string& help);
CLI::Option* addPaths(CLI::App& command, const std::string& name, std::vector<std::filesystem::path>& paths,
                      const std::string& help);

/// Splits values at commas too: "--metric rms,kl" is "--metric rms --metric kl".
std::vector<std::string> splitCommas(const std::vector<std::string>& values);

/// "LSTM 2 layers, linear": what a model is made of, for people.
std::string describeModel(const Structure& structure);

}  // namespace heft::cli
