#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "measure/session/provenance.hpp"
#include "measure/session/session.hpp"
#include "run/stored/run.hpp"
#include "run/stored/settings.hpp"

namespace heft::cli {

/// The options of every command that runs a model.
struct ModelOptions {
  std::string model, targets, output_target, device = "cpu";
  std::vector<std::string> inputs, dims;
  bool stream = false;
  std::vector<std::string> carry;
  int64_t draws = 1;
  uint64_t seed = 0;      ///< no option of its own: the command's --seed
  bool as_model = false;  ///< likewise: --precision as-model
  int threads = 0;        ///< 0: one a processor
};

/// Adds MODEL, --inputs, --targets, --output-target, --dims, --stream, --carry, --draws, --device, --threads.
void addModelOptions(CLI::App& command, ModelOptions& options, bool inputs_required);

/// Checks device and threads, sets the threads, and says what the session is to load. Throws Error(Fault::usage).
SessionOptions sessionOptions(const ModelOptions& options);

/// The same where several devices may be given.
SessionOptions manyDevicesOptions(const ModelOptions& options);

/// Adds --metric, --perturb and --seed as text; `readMeasuring` puts them into the settings.
struct MeasuringOptions {
  std::vector<std::string> metrics{"rms"};
  std::string perturb = "zero";
  uint64_t seed = 0;
};
void addMeasuringOptions(CLI::App& command, MeasuringOptions& options);
/// What is wrong with a seed's text; empty where nothing is. CLI11 itself would wrap -1 and cut what is too large.
std::string checkSeed(const std::string& text);
void readMeasuring(const MeasuringOptions& options, RankSettings& settings);

/// Splits values at commas too: "--metric rms,kl" is "--metric rms --metric kl".
std::vector<std::string> splitCommas(const std::vector<std::string>& values);

/// "LSTM 2 layers, linear": what a model is made of, for people.
std::string describeModel(const Structure& structure);

}  // namespace heft::cli
