#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dims.hpp"
#include "model/structure.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// Impacts of one parameter's weights. Every vector is [weights], row-major, of the parameter's own size. NaN: not part
/// of the run (outside --parameters).
struct ParameterImpacts {
  std::vector<float> weight;           ///< the baseline's value
  std::vector<float> impact;           ///< by the first metric; executed or estimated
  std::vector<float> standard_error;   ///< of the impact, over inputs; NaN where there is one sample
  std::vector<float> lower, upper;     ///< the interval; equal to the impact where executed; upper may be infinite
  std::vector<std::uint8_t> measured;  ///< 1: executed, 0: estimated or not part of the run
  std::map<std::string, std::vector<float>>
      other;  ///< by the name of each further metric; NaN where it needs execution and none was
};

/// What changing a component above a weight did, all its weights together.
struct ComponentImpact {
  std::string name;  ///< as `heft ablate --component` takes it
  Level level = Level::matrix;
  std::string path;  ///< of a unit: "incoming", "outgoing", "recurrent", "all"; else ""
  std::int64_t weights = 0;
  std::map<std::string, double> joint;  ///< by metric: the executed impact of all of them together
  double standard_error = 0;            ///< of the first metric's joint impact, over inputs
  double sum = 0;        ///< of its members' own impacts by the first metric; NaN where they were not measured
  double magnitude = 0;  ///< L2 norm of its weights
  /// On each group of Run::groups, [groups]; empty without.
  std::map<std::string, std::vector<double>> by_group{};  ///< by metric: the joint impact on that group's outputs alone
  std::vector<double> group_error{};                      ///< standard error of the first metric's
};

/// What components' impacts are split by.
struct OutputGroup {
  std::string name;           ///< "3", "verb": its class, step, output or label
  std::int64_t samples = 0;   ///< that it has outputs of
  std::int64_t elements = 0;  ///< output elements, over all samples
};

/// What a run was made from and with.
struct Provenance {
  std::string model, model_sha256;
  std::vector<std::string> inputs;
  std::string inputs_sha256;
  std::string targets, targets_sha256;  ///< empty: none
  std::string heft_version, libtorch_version;
  std::string device;   ///< "cpu", "cuda:0", "cuda:0,cuda:1"
  std::string machine;  ///< processor's name, cores
  int threads = 0;
  std::string started;  ///< UTC, ISO 8601
};

/// A scored output.
struct OutputTensor {
  std::string name;  ///< "" where forward returns one tensor
  std::vector<std::int64_t> shape;
  DimRoles roles;                    ///< of each dimension
  std::vector<std::int64_t> scored;  ///< the shape of what is scored: [16] of [16, 60, 1] behind step:-1
};

/// What the outputs looked like that impacts are measured on.
struct OutputFacts {
  std::string shape;  ///< for people: "output [64, 10]"
  std::int64_t samples = 1;
  std::int64_t elements = 0;  ///< a sample
  double rms = 0;             ///< of the baseline's output elements
  double noise = 0;           ///< impacts (rms) below this are float noise of their own measurement
  bool samples_interact = false;
  std::vector<OutputTensor> tensors{};  ///< empty in runs of earlier versions
};

/// How estimates of one parameter compared with executions, over the random calibration sample.
struct CalibrationFacts {
  std::string parameter;
  std::size_t draws = 0;
  double ratio_low = 0, ratio_median = 0, ratio_high = 0;  ///< executed / estimated at alpha / 2, 1/2, 1 - alpha / 2
};

/// Whether the top is known as a set.
struct SettledFacts {
  std::int64_t k = 0;
  bool settled = false;
  double missing = 0;  ///< at `confidence`, at most this many of the true top k are missing
  double confidence = 0.95;
  double threshold = 0;      ///< impact of the k-th place
  std::size_t executed = 0;  ///< variants executed for the calibration, the top and the audit together
  std::size_t audited = 0;
  std::string why;  ///< in a sentence, where it isn't settled ("the budget of 500 variants was spent")
};

struct Cost {
  double seconds = 0;
  double response_seconds = 0, execute_seconds = 0;
  std::size_t variants = 0;  ///< executed
  std::size_t adjoints = 0;  ///< taken
  std::size_t probes = 0;    ///< random probes that stood in for outputs; 0: every output exactly
  double probe_error = 0;    ///< relative standard error that probes add to an estimate, at most; 0 without
};

/// A finished ranking: what a run folder holds.
struct Run {
  RankSettings settings;
  Provenance provenance;
  Structure structure;
  OutputFacts output;
  std::vector<ParameterImpacts> impacts;  ///< as structure.parameters
  std::vector<ComponentImpact> components;
  std::vector<OutputGroup> groups;            ///< by settings.by; empty without
  std::vector<CalibrationFacts> calibration;  ///< method auto
  std::optional<SettledFacts> settled;        ///< method auto
  Cost cost;
  std::vector<std::string>
      feature_names;               ///< of the last dimension of the first floating input; empty: none were given
  std::vector<std::string> notes;  ///< sentences that the reader of the run should know
  bool complete = true;            ///< false: stopped before its end
};

}  // namespace heft
